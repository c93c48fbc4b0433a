"""List every route: method, path, name, app, the lane it runs in and who may call it.

    python manage.py routes orders --json

The lane is where a plain `def` route does its work; `async` routes run on the event loop. Who may
call it is read from its dependencies (project/web/access.py); what is mounted decides for itself.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, NamedTuple

from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from project.checks import Subject
from project.management import style
from project.management.environment import find_app
from project.web.access import access_of
from project.web.route import Route

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI
    from starlette.routing import BaseRoute

    from project.apps import Registry


PROJECT = "project"


class Row(NamedTuple):
    method: str
    path: str
    name: str
    app: str
    lane: str
    auth: str


HEADER = Row("METHOD", "PATH", "NAME", "APP", "LANE", "AUTH")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("word", nargs="?", default="", help="a part of the path or the name")
    parser.add_argument("--app", metavar="LABEL", help="those of one app, or of `project`")
    parser.add_argument("--json", action="store_true", help="for programs")


def handle(options: argparse.Namespace) -> int:
    subject = Subject.load()
    if options.app not in {None, PROJECT}:
        find_app(subject.registry, options.app)
    described = describe_routes(subject.application, subject.registry)
    rows = sorted(filter(_chosen(options), described), key=_by_path)
    if options.json:
        print(json.dumps([row._asdict() for row in rows], indent=2))
    elif rows:
        _print_table(rows)
    else:
        print("There is no such route.", file=sys.stderr)
    return 0 if rows else 1


def _chosen(options: argparse.Namespace) -> Callable[[Row], bool]:
    def is_chosen(row: Row) -> bool:
        is_named = options.word in row.path or options.word in row.name
        return is_named and options.app in {None, row.app}

    return is_chosen


def _print_table(rows: list[Row]) -> None:
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    print(style.heading(_line(HEADER, widths)))
    for row in rows:
        print(_line(row, widths))


def describe_routes(application: FastAPI, registry: Registry) -> Iterator[Row]:
    """Yield one row per route and method; a mounted application is one row."""
    for route in iter_route_contexts(application.routes):
        lane = _lane_of(route.original_route)
        app, auth = _app_of(route, registry), str(access_of(route))
        # HEAD comes along with every GET of Starlette's own routes and says nothing new.
        for method in sorted((route.methods or {"*"}) - {"HEAD"}):
            yield Row(method, route.path or "", route.name or "", app, lane, auth)


def _by_path(row: Row) -> tuple[str, str]:
    return row.path, row.method


def _line(row: Row, widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _lane_of(route: BaseRoute) -> str:
    if isinstance(route, Route) and route.lane_name:
        return route.lane_name
    # Mounted applications and Starlette's own routes decide for themselves.
    return "async" if isinstance(route, APIRoute) else "-"


def _app_of(route: RouteContext, registry: Registry) -> str:
    module = getattr(route.endpoint, "__module__", None) or ""
    for app in registry:
        if module == app.package or module.startswith(f"{app.package}."):
            return app.label
    return PROJECT

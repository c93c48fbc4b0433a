"""List every route: method, path, name, app and the lane it runs in.

The lane is where a plain `def` route does its work; `async` routes run on the event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from project.checks import Subject
from project.management import style
from project.web.route import Route

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from fastapi import FastAPI
    from starlette.routing import BaseRoute

    from project.apps import Registry


class Row(NamedTuple):
    method: str
    path: str
    name: str
    app: str
    lane: str


HEADER = Row("METHOD", "PATH", "NAME", "APP", "LANE")


def handle(_: argparse.Namespace) -> None:
    subject = Subject.load()
    rows = sorted(describe_routes(subject.application, subject.registry), key=_by_path)
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    print(style.heading(_line(HEADER, widths)))
    for row in rows:
        print(_line(row, widths))


def describe_routes(application: FastAPI, registry: Registry) -> Iterator[Row]:
    """Yield one row per route and method; a mounted application is one row."""
    for route in iter_route_contexts(application.routes):
        lane = _lane_of(route.original_route)
        app = _app_of(route, registry)
        # HEAD comes along with every GET of Starlette's own routes and says nothing new.
        for method in sorted((route.methods or {"*"}) - {"HEAD"}):
            yield Row(method, route.path or "", route.name or "", app, lane)


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
    return "project"

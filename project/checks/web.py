"""Checks of routes, dependencies and templates."""

from collections import Counter
from collections.abc import Iterator

from fastapi.routing import APIRoute, iter_route_contexts

from project.checks.dependencies import (
    Dependency,
    find_dependencies,
    hands_out_session,
    is_asynchronous,
)
from project.checks.framework import Problem, Subject, check
from project.templating import TEMPLATE_FOLDER


@check("templates")
def template_folder_exists(_: Subject) -> Iterator[Problem]:
    if not TEMPLATE_FOLDER.is_dir():
        yield Problem(
            "templates.E001",
            "The project's template folder is missing.",
            hint="Pages and error pages come from there; restore it.",
            obj=str(TEMPLATE_FOLDER),
        )


@check("web")
def routes_are_reached(subject: Subject) -> Iterator[Problem]:
    """Of two routes with the same method and path only the first one ever answers."""
    seen = Counter(
        (method, route.path)
        for route in iter_route_contexts(subject.application.routes)
        for method in route.methods or ()
    )
    for (method, path), count in seen.items():
        if count > 1:
            yield Problem(
                "web.W001",
                f"{count} routes answer it; only the first one is ever reached.",
                hint="Give one of them another path, or take one away.",
                obj=f"{method} {path}",
            )


@check("web")
def dependencies_make_no_hop(subject: Subject) -> Iterator[Problem]:
    """FastAPI runs each `def` dependency in a thread of its own, before the route's one hop."""
    for name, dependency in _dependencies(subject):
        if not is_asynchronous(dependency):
            yield Problem(
                "web.W002",
                f"The dependency {_title(dependency)} is no `async def`: a thread hop of its own.",
                hint="Make it async if it never blocks, or a provider: InTransaction(…).",
                obj=name,
            )


@check("web")
def dependencies_hold_no_session(subject: Subject) -> Iterator[Problem]:
    """A session that a dependency opens keeps its connection from hop to hop."""
    for name, dependency in _dependencies(subject):
        if hands_out_session(dependency):
            yield Problem(
                "web.E001",
                f"The dependency {_title(dependency)} hands out a session of its own.",
                hint="Take DbSession, or AsyncDbSession in an async route.",
                obj=name,
            )


def _dependencies(subject: Subject) -> Iterator[tuple[str, Dependency]]:
    """Yield every dependency of every API route, with the route's method and path."""
    for route in iter_route_contexts(subject.application.routes):
        original = route.original_route
        if isinstance(original, APIRoute):
            name = f"{'/'.join(sorted(route.methods or ()))} {route.path}"
            yield from ((name, found) for found in find_dependencies(original))


def _title(dependency: Dependency) -> str:
    name = getattr(dependency, "__qualname__", type(dependency).__name__)
    return f"{dependency.__module__}.{name}"

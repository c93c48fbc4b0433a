"""What FastAPI's dependencies look like to the checks."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session

Dependency = Callable[..., Any]
HOLDERS = (Session, Connection, AsyncSession, AsyncConnection)


def find_dependencies(route: APIRoute) -> Iterator[Dependency]:
    """Yield what the route depends on, directly or not, each once."""
    seen: dict[Dependency, None] = {}
    pending = list(route.dependant.dependencies)
    while pending:
        dependant: Dependant = pending.pop(0)
        if dependant.call is not None:
            seen.setdefault(dependant.call)
        pending += dependant.dependencies
    yield from seen


def is_asynchronous(dependency: Dependency) -> bool:
    """Whether FastAPI calls it on the event loop; an object may have an async `__call__`."""
    asynchronous = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    is_plain = inspect.isroutine(dependency) or inspect.isclass(dependency)
    function = dependency if is_plain else type(dependency).__call__
    return any(test(function) for test in asynchronous)


def hands_out_session(dependency: Dependency) -> bool:
    """Whether its annotation says that it gives, or yields, a session or a connection."""
    function = dependency if inspect.isroutine(dependency) else type(dependency).__call__
    try:
        returned = get_type_hints(function).get("return")
    except (NameError, TypeError):
        return False  # annotations that cannot be read say nothing
    named = [returned, *get_args(returned)]
    return any(inspect.isclass(kind) and issubclass(kind, HOLDERS) for kind in named)

"""Which routes the journeys visit, read from their source and held against the OpenAPI document.

A path is written as a literal or as a name of its module, so that it can be read without a walk:
a typing error is found before a server is started, and what nobody visits is known.
"""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from loadtests.account import SIGN_IN, SIGN_OUT
from loadtests.lab.generator.mix import Entry
from loadtests.scenario import Scenario
from project.errors import CommandError
from project.management.parser import suggestion

METHODS = ("get", "post", "put", "patch", "delete")
SIGNING_IN = (f"POST {SIGN_IN}", f"POST {SIGN_OUT}")


def routes_of(entry: Entry) -> tuple[str, ...]:
    """Return the routes that a journey visits, as `GET /api/v1/items/`, in their order.

    Raises CommandError for a path that cannot be read without walking.
    """
    return tuple(dict.fromkeys(_visited(entry.scenario, entry.journey.walk)))


def documented(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the routes of an OpenAPI document."""
    return tuple(
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if method in METHODS
    )


def unvisited(mix: Iterable[Entry], document: Mapping[str, Any]) -> list[str]:
    """Return the routes that no journey visits, for `Result.coverage`.

    Raises CommandError if a journey visits a route that there is not.
    """
    known = documented(document)
    visited = {route for entry in mix for route in check(entry, known)}
    return [route for route in known if route not in visited]


def check(entry: Entry, known: Sequence[str]) -> tuple[str, ...]:
    """Return a journey's routes. Raises CommandError if the API has one of them not."""
    routes = routes_of(entry)
    for route in routes:
        if route not in known:
            hint = suggestion(route, known) or "See 'manage.py routes'."
            raise CommandError(f"{entry.name} visits {route}, which the API has not. {hint}")
    return routes


def _visited(scenario: type[Scenario], walk: Callable[..., Any]) -> Iterator[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(walk)))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner, name = node.func.value, node.func.attr
        if not isinstance(owner, ast.Name):
            continue
        if owner.id == "self" and hasattr(scenario, name):
            yield from _visited(scenario, getattr(scenario, name))
        elif owner.id == "visitor" and name == "signing_in":
            yield from SIGNING_IN
        elif owner.id == "visitor" and name in METHODS and node.args:
            yield f"{name.upper()} {_path(scenario, node.args[0])}"


def _path(scenario: type[Scenario], written: ast.expr) -> str:
    value = None
    if isinstance(written, ast.Constant):
        value = written.value
    elif isinstance(written, ast.Name):
        value = getattr(importlib.import_module(scenario.__module__), written.id, None)
    if not isinstance(value, str):
        raise CommandError(
            f"{scenario.__name__}: {ast.unparse(written)} is no path that can be read: "
            "write it as a literal or as a name of the module."
        )
    return value

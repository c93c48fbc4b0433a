"""Every route, asked by everybody. A route without a line in its app's table fails."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from project.apps import Registry
from project.settings import INSTALLED_APPS, ROOT
from project.web.access import SignIn, access_of
from project.web.principal import stream_seconds
from tests.authorisation import ACTORS, Row, public
from tests.needs import need

OF_THE_PROJECT = {
    "GET /": public(200),
    "GET /favicon.ico": public(307),
    "GET /metrics": public(200),
}


def tables() -> dict[str, Row]:
    """Every app's lines together."""
    found = dict(OF_THE_PROJECT)
    for app in Registry.load(INSTALLED_APPS):
        name = f"tests.apps.{app.label}.authorisation"
        if ROOT.joinpath(*name.split(".")).with_suffix(".py").exists():
            found |= importlib.import_module(name).ROUTES
    return found


ROUTES = tables()


def routes_of(application: FastAPI) -> Iterator[tuple[str, Any]]:
    for route in iter_route_contexts(application.routes):
        if access_of(route).sign_in is not SignIn.UNKNOWN:
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield f"{method} {route.path}", route


def test_every_route_has_a_line(application: FastAPI) -> None:
    names = {name for name, _ in routes_of(application)}
    assert names - ROUTES.keys() == set(), "add them to tests/apps/<label>/authorisation.py"
    assert ROUTES.keys() - names == set(), "no route is called so"


@pytest.fixture
def client_of_everybody(application: FastAPI, client: TestClient) -> TestClient:
    """A client whose streams end at once."""
    application.dependency_overrides[stream_seconds] = lambda: 0.05
    return client


@pytest.fixture
def headers_of(
    headers_for: Callable[[Any], dict[str, str]],
) -> Callable[[str, Row, Any], dict[str, str]]:
    """The headers of an actor."""
    need("users")
    factories: Any = importlib.import_module("tests.factories.users")

    def sign_in(actor: str, row: Row, owner: Any) -> dict[str, str]:
        if actor == "anonymous":
            return {}
        if actor == "owner":
            return headers_for(owner)
        # Who holds a permission needs to be nothing else.
        is_staff = actor == "staff" or (actor == "holder" and not row.permission)
        traits = {"staff": is_staff, "superuser": actor == "superuser"}
        account = factories.UserFactory.create(**traits)
        if actor == "holder" and row.permission:
            factories.grant(account, row.permission)
        return headers_for(account)

    return sign_in


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("name", ROUTES)
def test_what_everybody_is_told(
    name: str,
    actor: str,
    client_of_everybody: TestClient,
    headers_of: Callable[[str, Row, Any], dict[str, str]],
) -> None:
    row = ROUTES[name]
    owner = importlib.import_module("tests.factories.users").UserFactory.create()
    call = row.prepare(owner)
    method, path = name.split(" ")
    answer = client_of_everybody.request(
        method,
        path.format(**call.path),
        headers={**headers_of(actor, row, owner), **call.options.get("headers", {})},
        **{key: value for key, value in call.options.items() if key != "headers"},
    )
    assert answer.status_code == getattr(row, actor), answer.text

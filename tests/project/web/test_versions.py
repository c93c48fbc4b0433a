"""Each version gathers its routers under its own prefix."""

from collections import Counter
from pathlib import Path
from typing import Any

import fastapi.routing
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from project.application import create_application
from project.errors import AppError
from project.settings import INSTALLED_APPS, Settings
from tests.database import TestDatabase


@pytest.mark.needs("users", "health")
def test_both_versions_are_mounted(application: FastAPI) -> None:
    paths = application.openapi()["paths"]
    for version in ("v1", "v2"):
        assert f"/api/{version}/users/me" in paths
    assert "/health/live" in paths


def test_each_route_is_analysed_once(
    settings: Settings, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A router that is included without a prefix would cost another round."""
    analyse, seen = fastapi.routing._populate_api_route_state, Counter[object]()

    def counted(route: Any, path: str, endpoint: Any, **options: Any) -> None:
        if not isinstance(route, APIRoute):  # those are analysed where they are written
            seen[path, endpoint] += 1
        analyse(route, path, endpoint, **options)

    monkeypatch.setattr(fastapi.routing, "_populate_api_route_state", counted)
    create_application(settings, database=database)
    assert set(seen.values()) == {1}


def test_every_route_is_tagged_and_described(application: FastAPI) -> None:
    for path, methods in application.openapi()["paths"].items():
        for method, operation in methods.items():
            assert operation.get("tags"), (method, path)
            assert operation.get("description"), (method, path)


@pytest.mark.needs("orders")
def test_an_app_less(settings: Settings, database: TestDatabase) -> None:
    fewer = tuple(name for name in INSTALLED_APPS if name != "apps.orders")
    app = create_application(settings, database=database, installed_apps=fewer)
    paths = app.openapi()["paths"]
    assert "/api/v1/items/" in paths
    assert not any("orders" in path for path in paths)


def test_router_that_is_none(
    settings: Settings, database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lab_routerless"
    folder.mkdir()
    (folder / "app.py").write_text(
        "from project.apps import AppConfig\napp = AppConfig(label='routerless')\n"
    )
    (folder / "routes.py").write_text("router = None\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AppError, match=r"'routerless': lab_routerless\.routes must define"):
        create_application(
            settings, database=database, installed_apps=(*INSTALLED_APPS, "lab_routerless")
        )


def test_documents_are_closed_in_production(settings: Settings, database: TestDatabase) -> None:
    from fastapi.testclient import TestClient  # noqa: PLC0415

    general = settings.general.model_copy(update={"environment": "production"})
    app = create_application(settings.model_copy(update={"general": general}), database=database)
    with TestClient(app, base_url="https://testserver") as client:
        for path in ("/api/docs", "/api/redoc", "/api/openapi.json"):
            assert client.get(path).status_code == 404
    create_application(settings, database=database)  # the suite's own logging again

"""`manage.py routes` shows where work runs."""

from __future__ import annotations

import pytest

from project.apps import AppConfig, Registry
from project.checks import Subject
from project.management import call_command
from project.management.commands.routes import Row, describe_routes
from project.web.lanes import HASH
from project.web.route import Router, in_lane
from project.web.transaction import DbSession

router = Router(prefix="/shop")


@router.get("/")
def read_shop(session: DbSession) -> None: ...


@router.post("/")
@in_lane(HASH)
def lock_shop() -> None: ...


@router.get("/wait")
async def wait_for_shop() -> None: ...


def test_method_path_name_app_and_lane() -> None:
    subject = Subject.load(())
    outer = Router(prefix="/api/v1")
    outer.include_router(router)
    subject.application.include_router(outer)
    registry = Registry((AppConfig(label="shop", package=__name__),))
    rows = set(describe_routes(subject.application, registry))
    assert {
        Row("GET", "/api/v1/shop/", "read_shop", "shop", "database"),
        Row("POST", "/api/v1/shop/", "lock_shop", "shop", "hash"),
        Row("GET", "/api/v1/shop/wait", "wait_for_shop", "shop", "async"),
        Row("GET", "/", "home", "project", "async"),
        Row("*", "/static", "static", "project", "-"),
    } <= rows


def test_the_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    assert call_command("routes") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["METHOD", "PATH", "NAME", "APP", "LANE"]
    column = header.index("PATH")
    assert all(line[column] == "/" and line[column - 1] == " " for line in lines)

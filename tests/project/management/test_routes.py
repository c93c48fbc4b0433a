"""`manage.py routes` shows where work runs."""

from __future__ import annotations

import json
from typing import Annotated

import pytest
from fastapi import Depends

from project.apps import AppConfig, Registry
from project.checks import Subject
from project.errors import CommandError
from project.management import call_command
from project.management.commands.routes import Row, describe_routes
from project.web.lanes import HASH
from project.web.principal import Claims, verified_claims
from project.web.route import Router, in_lane
from project.web.transaction import DbSession

router = Router(prefix="/shop")


@router.get("/")
def read_shop(session: DbSession) -> None: ...


@router.post("/")
@in_lane(HASH)
def lock_shop() -> None: ...


@router.get("/wait")
async def wait_for_shop(claims: Annotated[Claims, Depends(verified_claims)]) -> None: ...


def test_method_path_name_app_lane_and_auth() -> None:
    subject = Subject.load(())
    outer = Router(prefix="/api/v1")
    outer.include_router(router)
    subject.application.include_router(outer)
    registry = Registry((AppConfig(label="shop", package=__name__),))
    rows = set(describe_routes(subject.application, registry))
    assert {
        Row("GET", "/api/v1/shop/", "read_shop", "shop", "database", "public"),
        Row("POST", "/api/v1/shop/", "lock_shop", "shop", "hash", "public"),
        Row("GET", "/api/v1/shop/wait", "wait_for_shop", "shop", "async", "bearer"),
        Row("GET", "/", "home", "project", "async", "public"),
        Row("*", "/static", "static", "project", "-", "-"),
    } <= rows


def test_the_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    assert call_command("routes") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["METHOD", "PATH", "NAME", "APP", "LANE", "AUTH"]
    column = header.index("PATH")
    assert all(line[column] == "/" and line[column - 1] == " " for line in lines)


@pytest.mark.needs("items")
def test_chosen_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert call_command("routes", "{item_id}", "--app", "items", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["app"] for row in found} == {"items"}
    assert {row["name"]: row["auth"] for row in found}["delete_item"] == (
        "bearer: owner or staff or items.delete_item"
    )
    assert all("{item_id}" in row["path"] for row in found)


@pytest.mark.needs("items")
def test_nothing_to_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert call_command("routes", "no-such-route") == 1
    assert capsys.readouterr().err == "There is no such route.\n"
    with pytest.raises(CommandError, match="Did you mean 'items'") as caught:
        call_command("routes", "--app", "itms")
    assert caught.value.exit_code == 2

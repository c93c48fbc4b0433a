"""Each built-in check finds what it is for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

from project.checks import Subject, builtin
from project.checks.framework import NO_SERVER
from project.db.session import Database
from project.web.route import Router

if TYPE_CHECKING:
    from project.checks import Check


@pytest.fixture
def subject() -> Subject:
    return Subject.load(())


def ids(look: Check, subject: Subject) -> list[str]:
    return [problem.id for problem in look(subject)]


@pytest.mark.parametrize("options", [{"pool_size": 50}, {"max_overflow": 5}])
def test_a_pool_that_is_not_its_lane(subject: Subject, options: dict[str, int]) -> None:
    assert ids(builtin.threads_match_connections, subject) == []
    defaults = {"pool_size": subject.settings.database.pool_size, "max_overflow": 0}
    database = Database(create_engine(NO_SERVER, **(defaults | options)))
    subject.application.state.runtime = replace(subject.runtime, database=database)
    assert ids(builtin.threads_match_connections, subject) == ["database.E001"]


def test_a_missing_template_folder(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(builtin.template_folder_exists, subject) == []
    monkeypatch.setattr(builtin, "TEMPLATE_FOLDER", Path("/nowhere/templates"))
    assert ids(builtin.template_folder_exists, subject) == ["templates.E001"]


def test_a_route_that_is_never_reached(subject: Subject) -> None:
    assert ids(builtin.routes_are_reached, subject) == []
    router = Router(prefix="/twice")
    for _ in range(2):
        router.add_api_route("/", lambda: None, methods=["GET"])
    subject.application.include_router(router)
    (problem,) = builtin.routes_are_reached(subject)
    assert (problem.id, problem.obj) == ("web.W001", "GET /twice/")

"""Each built-in check finds what it is for."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from project.checks import Check, Subject, web
from project.web.route import Router


@pytest.fixture
def subject() -> Subject:
    return Subject.load(())


def ids(look: Check, subject: Subject) -> list[str]:
    return [problem.id for problem in look(subject)]


def test_a_missing_template_folder(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(web.template_folder_exists, subject) == []
    monkeypatch.setattr(web, "TEMPLATE_FOLDER", Path("/nowhere/templates"))
    assert ids(web.template_folder_exists, subject) == ["templates.E001"]


def test_a_route_that_is_never_reached(subject: Subject) -> None:
    assert ids(web.routes_are_reached, subject) == []
    router = Router(prefix="/twice")
    for _ in range(2):
        router.add_api_route("/", lambda: None, methods=["GET"])
    subject.application.include_router(router)
    (problem,) = web.routes_are_reached(subject)
    assert (problem.id, problem.obj) == ("web.W001", "GET /twice/")


def open_session() -> Iterator[Session]:
    yield Session()


async def open_async_session() -> AsyncIterator[AsyncSession]:
    yield AsyncSession()


def settle(number: int) -> int:
    return number


async def indirect(number: Annotated[int, Depends(settle)]) -> int:
    return number


class Form:
    """A class as a dependency is called in a thread, too."""


class AsyncCall:
    async def __call__(self) -> int:
        return 1


def use(subject: Subject, dependency: Any) -> None:
    router = Router(prefix="/use", dependencies=[Depends(dependency)])
    router.add_api_route("/", lambda: None, methods=["GET"])
    subject.application.include_router(router)


@pytest.mark.parametrize(
    ("dependency", "named"),
    [(settle, "settle"), (indirect, "settle"), (open_session, "open_session"), (Form, "Form")],
)
def test_a_dependency_with_a_hop_of_its_own(subject: Subject, dependency: Any, named: str) -> None:
    assert ids(web.dependencies_make_no_hop, subject) == []
    use(subject, dependency)
    (problem,) = web.dependencies_make_no_hop(subject)
    assert (problem.id, problem.obj) == ("web.W002", "GET /use/")
    assert f".{named} is" in problem.message


@pytest.mark.parametrize("dependency", [AsyncCall(), open_async_session])
def test_an_async_dependency_makes_no_hop(subject: Subject, dependency: Any) -> None:
    use(subject, dependency)
    assert ids(web.dependencies_make_no_hop, subject) == []


@pytest.mark.parametrize("dependency", [open_session, open_async_session])
def test_a_dependency_that_holds_a_session(subject: Subject, dependency: Any) -> None:
    assert ids(web.dependencies_hold_no_session, subject) == []
    use(subject, dependency)
    (problem,) = web.dependencies_hold_no_session(subject)
    assert (problem.id, problem.obj) == ("web.E001", "GET /use/")
    assert f".{dependency.__name__} hands out" in problem.message

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.apps import Registry
from project.db.reading import WriteRefused
from project.errors import AppError
from project.tasks import Retry, Task, task
from project.tasks.declaring import InvalidArguments
from project.tasks.finding import find_tasks
from tests.database import TestDatabase
from tests.project.tasks.lab import tasks

LAB = "tests.project.tasks.lab"
DUE = datetime(2026, 11, 24, tzinfo=UTC)


def declared(function: Callable[..., None], **told: Any) -> Task[Any]:
    """Declare it as if it stood in the app's file."""
    function.__module__ = f"{LAB}.tasks"
    return task(**told)(function)


def test_tasks_are_found_by_label_and_function() -> None:
    found = find_tasks(Registry.load([LAB]))
    assert found["lab.wait"] is tasks.wait
    assert {"lab.note", "lab.tick", "project.forget_old_jobs"} <= set(found)


def test_enqueue_returns_the_job(session: Session) -> None:
    job = tasks.pay.enqueue(session, amount=Decimal("1.50"), due=DUE)
    query = text("SELECT * FROM procrastinate.procrastinate_jobs WHERE id = :id")
    row = session.execute(query, {"id": job}).one()
    assert (row.task_name, row.queue_name, row.status) == ("lab.pay", "default", "todo")
    expected = {"amount": "1.50", "due": "2026-11-24T00:00:00Z", "note": None}
    assert row.args["arguments"] == expected


def test_enqueue_is_one_statement(session: Session, statements: list[str]) -> None:
    tasks.wait.enqueue(session, "x")
    assert len(statements) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "missing a required argument: 'amount'"),
        ({"amount": "much", "due": DUE}, "amount: "),
        ({"amount": 1, "due": DUE, "whom": 3}, "unexpected keyword argument 'whom'"),
    ],
)
def test_arguments_are_checked_at_once(
    session: Session, arguments: dict[str, Any], said: str
) -> None:
    enqueue: Any = tasks.pay.enqueue
    with pytest.raises(InvalidArguments, match=f"lab.pay: .*{said}") as caught:
        enqueue(session, **arguments)
    assert "much" not in str(caught.value), "input is never echoed"


def test_a_session_that_reads_cannot_enqueue(database: TestDatabase) -> None:
    with database.reading() as session, pytest.raises(WriteRefused):
        tasks.wait.enqueue(session, "x")


def test_later_needs_one_moment() -> None:
    for told in ({}, {"at": DUE, "after": timedelta(1)}):
        with pytest.raises(TypeError, match="either"):
            tasks.wait.later(**told)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="time zone"):
        tasks.wait.later(at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def no_session(user_id: int) -> None: ...
def many(session: Session, *names: str) -> None: ...
async def awaited(session: Session) -> None: ...
def needy(session: Session, user_id: int) -> None: ...
def fine(session: Session) -> None: ...
def odd(session: Session, place: Session) -> None: ...


@pytest.mark.parametrize(
    ("function", "told", "said"),
    [
        (no_session, {}, "the session as its first parameter"),
        (many, {}, r"no \*args"),
        (awaited, {}, "def, not async def"),
        (needy, {"cron": "* * * * *"}, "Nobody gives the periodic task lab.needy its 'user_id'"),
        (fine, {"cron": "every day"}, "not five fields of cron"),
        (fine, {"queue": "A B"}, "no name of a queue"),
        (odd, {}, "The task lab.odd: "),
    ],
)
def test_what_no_worker_could_run(
    function: Callable[..., None], told: dict[str, Any], said: str
) -> None:
    with pytest.raises(AppError, match=said):
        declared(function, **told)


def test_tasks_stand_in_tasks_py() -> None:
    def elsewhere(session: Session) -> None: ...

    with pytest.raises(AppError, match=r"declared in an app's tasks\.py"):
        task()(elsewhere)


def test_pauses_grow_up_to_a_limit() -> None:
    retry = Retry(times=4, wait=10.0, factor=3.0, longest=60.0)
    pauses = [retry.pause(attempts) for attempts in range(1, 6)]
    assert pauses[-1] is None
    exact = zip(pauses, [10.0, 30.0, 60.0, 60.0], strict=False)
    assert all(least <= (pause or 0) <= 1.1 * least for pause, least in exact)


def test_pauses_that_make_no_sense() -> None:
    with pytest.raises(AppError, match="makes no sense"):
        Retry(times=-1)

"""What follows a commit."""

import pytest
from loguru import logger
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.db.commit import on_commit
from tests.database import TestDatabase


def test_runs_after_the_commit(database: TestDatabase) -> None:
    seen: list[str] = []
    with database.transaction() as session:
        on_commit(session, lambda: seen.append("followed"))
        session.execute(text("SELECT 1"))
        seen.append("in the transaction")
    assert seen == ["in the transaction", "followed"]


@pytest.mark.committed
def test_holds_no_connection(database: TestDatabase) -> None:
    held: list[int] = []
    with database.transaction() as session:
        session.execute(text("SELECT 1"))
        on_commit(session, lambda: held.append(database.engine.pool.checkedout()))  # type: ignore[attr-defined]
    assert held == [0]


def test_never_runs_after_a_rollback(database: TestDatabase) -> None:
    seen: list[str] = []

    def fail(session: Session) -> None:
        on_commit(session, lambda: seen.append("followed"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        fail(session)
    assert seen == []


def test_failure_is_logged_and_stops_nobody(database: TestDatabase) -> None:
    seen: list[str] = []
    sink = logger.add(lambda message: seen.append(message.record["message"]), level="ERROR")
    with database.transaction() as session:
        on_commit(session, lambda: 1 / 0)
        on_commit(session, lambda: seen.append("the next"))
    logger.remove(sink)
    assert seen == ["What had to follow a commit failed", "the next"]

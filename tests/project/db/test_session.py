"""One unit of work: it commits as a whole or not at all."""

import pytest
from sqlalchemy import func, select, text

from project.db.session import Database
from project.db.units import SecondSession
from tests.database import TestDatabase
from tests.people import Person

pytestmark = pytest.mark.committed


@pytest.fixture
def own(database: TestDatabase) -> Database:
    return Database(database.engine)


def count(database: Database) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(Person)) or 0


def test_commits_at_the_end(own: Database) -> None:
    with own.transaction() as session:
        person = Person(email="kept@example.com")
        session.add(person)
    assert count(own) == 1
    assert person.email == "kept@example.com"  # and stays readable


def test_rolls_back_on_any_error(own: Database) -> None:
    def fail(error: type[BaseException]) -> None:
        with own.transaction() as session:
            session.add(Person(email="gone@example.com"))
            session.flush()
            raise error

    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):
            fail(error)
    assert count(own) == 0
    assert own.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_probe_is_outside_the_pool(own: Database) -> None:
    before = own.engine.pool.checkedin()  # type: ignore[attr-defined]
    with own.probe() as connection:
        assert connection.scalar(text("SELECT 7")) == 7
        assert own.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert own.engine.pool.checkedin() == before  # type: ignore[attr-defined]


@pytest.mark.parametrize("inner", ["transaction", "reading"])
@pytest.mark.parametrize("outer", ["transaction", "reading"])
def test_a_second_session_is_refused(database: TestDatabase, outer: str, inner: str) -> None:
    """It would hold two connections at once, which is how pools lock up."""
    with getattr(database, outer)(), pytest.raises(SecondSession), getattr(database, inner)():
        pass
    with database.transaction():
        pass  # one after the other is fine

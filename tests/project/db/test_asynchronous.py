"""The async side: the same law, on a small pool of its own."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import QueuePool, event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from project.db.asynchronous import AsyncDatabase
from project.db.commit import on_commit
from project.db.reading import WriteRefused
from project.db.units import SecondSession
from project.settings import Settings
from project.web.gate import Gate, LaneFull
from tests.database import TestDatabase
from tests.people import Person, PersonFactory

pytestmark = [pytest.mark.anyio, pytest.mark.committed]

SLEEPING = (
    "SELECT true FROM pg_stat_activity WHERE state = 'active' "
    "AND datname = current_database() AND query LIKE 'SELECT pg_sleep(30)%'"
)


@pytest.fixture
def gate() -> Gate:
    return Gate("async", size=2, queue_size=5, queue_timeout=5)


@pytest.fixture
async def own(
    settings: Settings, database: TestDatabase, gate: Gate
) -> AsyncIterator[AsyncDatabase]:
    opened = database.open_asynchronous(settings.database, gate)
    yield opened
    await opened.close()


def pool_of(database: AsyncDatabase) -> QueuePool:
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool


async def test_nothing_is_opened_before_it_is_used(own: AsyncDatabase) -> None:
    assert (pool_of(own).size(), pool_of(own)._max_overflow) == (2, 0)
    assert pool_of(own).checkedin() == 0


async def test_same_deadlines(own: AsyncDatabase, database: TestDatabase) -> None:
    names = ("statement_timeout", "lock_timeout", "TimeZone", "application_name")
    async with own.reading() as session:
        shown = [await session.scalar(text(f"SHOW {name}")) for name in names]
    with database.reading() as sync:
        assert shown == [sync.scalar(text(f"SHOW {name}")) for name in names]


async def test_commits_at_the_end(own: AsyncDatabase, session: Session) -> None:
    async with own.transaction() as writing:
        person = Person(email="kept@example.com")
        writing.add(person)
    assert session.scalars(select(Person.email)).all() == ["kept@example.com"]
    assert person.email == "kept@example.com"  # and stays readable


async def test_error_rolls_back(own: AsyncDatabase, session: Session, gate: Gate) -> None:
    async def fail() -> None:
        async with own.transaction() as writing:
            writing.add(Person(email="gone@example.com"))
            await writing.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert session.scalars(select(Person)).all() == []
    assert (pool_of(own).checkedout(), gate.running) == (0, 0)


async def test_cancellation_rolls_back(own: AsyncDatabase, session: Session, gate: Gate) -> None:
    """In the middle of a statement, which the server is told to give up."""

    async def write() -> None:
        async with own.transaction() as writing:
            writing.add(Person(email="gone@example.com"))
            await writing.flush()
            await writing.execute(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(write())
    while not session.scalar(text(SLEEPING)):
        session.rollback()
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert session.scalars(select(Person)).all() == []
    assert (pool_of(own).checkedout(), gate.running) == (0, 0)


async def test_gate_is_bounded(own: AsyncDatabase, gate: Gate) -> None:
    """Two work, five wait, the rest is told to come back."""

    async def work() -> int:
        async with own.reading() as reading:
            return await reading.scalar(text("SELECT 1 FROM pg_sleep(0.05)")) or 0

    results = await asyncio.gather(*(work() for _ in range(20)), return_exceptions=True)
    assert results.count(1) == 7
    assert sum(isinstance(result, LaneFull) for result in results) == 13
    assert gate.shed == 13


async def test_reads_without_a_transaction(own: AsyncDatabase) -> None:
    query = text("SELECT txid_current()")
    async with own.reading() as session:
        assert await session.scalar(query) != await session.scalar(query)
    async with own.transaction() as session:
        assert await session.scalar(query) == await session.scalar(query)


async def test_reading_refuses_writes(own: AsyncDatabase, session: Session) -> None:
    with pytest.raises(WriteRefused):
        async with own.reading() as reading:
            reading.add(Person(email="new@example.com"))
    person = PersonFactory(full_name="Before")
    with pytest.raises(WriteRefused):
        async with own.reading() as reading:
            (await reading.scalars(select(Person))).one().full_name = "After"
    session.refresh(person)
    assert person.full_name == "Before"


async def test_closed_connection_is_replaced(own: AsyncDatabase, session: Session) -> None:
    pid = text("SELECT pg_backend_pid()")
    async with own.reading() as reading:
        first = await reading.scalar(pid)
    session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
    async with own.reading() as reading:
        assert await reading.scalar(pid) != first


async def test_read_only_connection_is_dropped(own: AsyncDatabase) -> None:
    """As after a failover: the next one goes to a server that can write."""
    pids = list[object]()

    async def write() -> None:
        async with own.transaction() as writing:
            pids.append(await writing.scalar(text("SELECT pg_backend_pid()")))
            await writing.execute(text("SET TRANSACTION READ ONLY"))
            writing.add(Person(email="refused@example.com"))

    for _ in range(2):
        with pytest.raises(DBAPIError):
            await write()
    assert pids[0] != pids[1]


@pytest.mark.parametrize("outer", ["transaction", "reading"])
async def test_a_second_session_is_refused(own: AsyncDatabase, gate: Gate, outer: str) -> None:
    async with getattr(own, outer)():
        with pytest.raises(SecondSession):
            async with own.reading():
                pass
    assert gate.running == 0


async def test_what_follows_follows_a_commit_that_was_cut_off(own: AsyncDatabase) -> None:
    """Whoever is cancelled while it commits hears of it afterwards, and nothing is left out."""
    seen: list[str] = []
    committing = asyncio.Event()

    async def work() -> None:
        async with own.transaction() as session:
            session.add(Person(email="new@example.com"))
            on_commit(session.sync_session, lambda: seen.append("followed"))
            event.listen(
                session.sync_session, "before_commit", lambda _: committing.set(), once=True
            )

    task = asyncio.create_task(work())
    await committing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with own.reading() as session:
        assert await session.scalar(select(Person.email)) == "new@example.com"
    assert seen == ["followed"]

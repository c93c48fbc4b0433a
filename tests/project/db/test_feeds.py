"""What is watched arrives, whatever happens to the connection that listens."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from project.db.asynchronous import AsyncDatabase
from project.db.feeds import Feeds, Watcher
from project.db.notifications import Topic, notify
from project.settings import Settings
from project.web.gate import Gate
from tests.database import TestDatabase
from tests.guards import collected_statements
from tests.people import Person, PersonFactory

pytestmark = [pytest.mark.anyio, pytest.mark.committed]

LISTENERS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%listener'"
MINE = f"{LISTENERS} AND datname = current_database()"


def read_names(session: Session, ids: Collection[int]) -> dict[int, str]:
    statement = select(Person.id, Person.full_name).where(Person.id.in_(ids))
    return {row.id: row.full_name or "" for row in session.execute(statement)}


NAMES = Topic("test.names", read_names)


@pytest.fixture
async def asynchronous(settings: Settings, database: TestDatabase) -> AsyncIterator[AsyncDatabase]:
    gate = Gate("async", size=2, queue_size=10, queue_timeout=5)
    opened = database.open_asynchronous(settings.database, gate)
    yield opened
    await opened.close()


@pytest.fixture
async def feeds(asynchronous: AsyncDatabase) -> AsyncIterator[Feeds]:
    feeds = Feeds(asynchronous)
    yield feeds
    await feeds.close()


def rename(session: Session, person: Person, name: str) -> None:
    person.full_name = name
    notify(session, NAMES, person.id)
    session.commit()


async def following(watcher: Watcher[str]) -> str:
    async with asyncio.timeout(20):
        return await anext(watcher)


async def listening(session: Session) -> int:
    """Wait for the connection that listens, and return its process."""
    async with asyncio.timeout(20):
        while not (pid := session.scalar(text(MINE))):
            session.rollback()  # and the transaction's view of it
            await asyncio.sleep(0.01)
    session.rollback()
    return int(pid)


async def test_nobody_watches_nothing_is_opened(feeds: Feeds, session: Session) -> None:
    assert len(feeds) == 0
    assert session.scalar(text(MINE)) is None


async def test_present_state_then_changes(feeds: Feeds, session: Session) -> None:
    person = PersonFactory(full_name="One")
    async with feeds.watch(NAMES, person.id, seconds=60) as names:
        assert await following(names) == "One"
        await listening(session)
        rename(session, person, "Two")
        assert await following(names) == "Two"
        rename(session, person, "Three")
        assert await following(names) == "Three"
    assert len(feeds) == 0


async def test_what_is_rolled_back_is_not_told(feeds: Feeds, session: Session) -> None:
    person = PersonFactory(full_name="One")
    async with feeds.watch(NAMES, person.id, seconds=60) as names:
        assert await following(names) == "One"
        await listening(session)
        person.full_name = "Never"
        notify(session, NAMES, person.id)
        session.flush()
        session.rollback()
        rename(session, person, "Two")
        assert await following(names) == "Two"


async def test_latest_wins(feeds: Feeds, session: Session) -> None:
    """Who does not read misses what is out of date, and holds up nobody."""
    person = PersonFactory(full_name="0")
    async with (
        feeds.watch(NAMES, person.id, seconds=60) as slow,
        feeds.watch(NAMES, person.id, seconds=60) as quick,
    ):
        assert await following(quick) == "0"
        await listening(session)
        for number in range(1, 6):
            rename(session, person, str(number))
            assert await following(quick) == str(number)
        assert await following(slow) == "5"


async def test_change_while_nobody_listened_arrives(feeds: Feeds, session: Session) -> None:
    person = PersonFactory(full_name="One")
    async with feeds.watch(NAMES, person.id, seconds=60) as names:
        assert await following(names) == "One"
        first = await listening(session)
        session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
        rename(session, person, "Two")
        assert await following(names) == "Two"
        assert await listening(session) != first


async def test_all_are_read_at_once(
    feeds: Feeds, asynchronous: AsyncDatabase, session: Session
) -> None:
    """After the connection broke, with one query for everybody, on one connection."""
    people = PersonFactory.create_batch(50, full_name="x")
    watchers = [feeds.watch(NAMES, person.id, seconds=60) for person in people]
    for watcher in watchers:
        await watcher.__aenter__()
    pid = await listening(session)
    with collected_statements(asynchronous.engine.sync_engine) as statements:
        for person in people:
            person.full_name = "y"
        session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        session.commit()  # without a word: only the new connection makes them read
        for watcher in watchers:
            while await following(watcher) != "y":
                pass
    assert len(statements) <= 2
    assert len(feeds) == 50
    for watcher in watchers:
        await watcher.__aexit__(None, None, None)
    assert len(feeds) == 0


async def test_ends_when_it_is_gone(feeds: Feeds, session: Session) -> None:
    person = PersonFactory()
    key = person.id
    async with feeds.watch(NAMES, key, seconds=60) as names:
        await following(names)
        await listening(session)
        session.delete(person)
        notify(session, NAMES, key)
        session.commit()
        with pytest.raises(StopAsyncIteration):
            await following(names)


async def test_ends_after_its_time(feeds: Feeds) -> None:
    async with feeds.watch(NAMES, 1, seconds=0.0) as names:
        assert [name async for name in names] == []


async def test_ends_with_the_process(feeds: Feeds, session: Session) -> None:
    """Those who watch, and those who come while it ends; afterwards it begins anew."""
    person = PersonFactory(full_name="One")
    async with feeds.watch(NAMES, person.id, seconds=60) as before:
        await following(before)
        feeds.end_all()
        assert [name async for name in before] == []
        async with feeds.watch(NAMES, person.id, seconds=60) as late:
            assert [name async for name in late] == []
    await feeds.close()
    async with feeds.watch(NAMES, person.id, seconds=60) as again:
        assert await following(again) == "One"


async def test_one_that_cannot_be_read_stops_no_other(feeds: Feeds, session: Session) -> None:
    def fail(session: Session, ids: Collection[int]) -> dict[int, str]:
        raise RuntimeError("a fault")

    person = PersonFactory(full_name="One")
    async with (
        feeds.watch(Topic("test.broken", fail), 1, seconds=60),
        feeds.watch(NAMES, person.id, seconds=60) as names,
    ):
        assert await following(names) == "One"

"""The statements, on a real database: nothing is lost, whoever asks at the same time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Session

from apps.throttling import buckets
from apps.throttling.buckets import Drop, Level
from apps.throttling.models import Bucket
from tests.database import TestDatabase
from tests.factories.throttling import BucketFactory

pytestmark = [pytest.mark.anyio, pytest.mark.committed]

TEN_AN_HOUR = Drop(b"a" * 16, 360.0, 3600.0)


@pytest.fixture
async def engine(database: TestDatabase, session: Session) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(
        database.engine.url, pool_size=10, max_overflow=0, isolation_level="AUTOCOMMIT"
    )
    yield engine
    await engine.dispose()


async def fill(engine: AsyncEngine, *drops: Drop) -> list[Level]:
    async with engine.connect() as connection:
        return await buckets.fill(connection, drops)


async def count_admitted(engine: AsyncEngine, times: int, *drops: Drop) -> int:
    levels = await asyncio.gather(*(fill(engine, *drops) for _ in range(times)))
    return sum(found[-1].is_admitted for found in levels)


async def test_so_many_and_no_more(engine: AsyncEngine) -> None:
    admitted = [(await fill(engine, TEN_AN_HOUR))[0].is_admitted for _ in range(12)]
    assert admitted == [True] * 10 + [False] * 2


async def test_nothing_is_lost_between_those_who_ask_at_once(engine: AsyncEngine) -> None:
    assert await count_admitted(engine, 200, TEN_AN_HOUR) == 10


@pytest.mark.parametrize("amount", [3, 7, 11, 300, 9_999])
async def test_a_rate_that_does_not_divide_is_kept_to_the_last(
    engine: AsyncEngine, session: Session, amount: int
) -> None:
    drop = Drop(b"b" * 16, 86_400 / amount, 86_400.0)
    almost_full = text("SELECT now() + make_interval(secs => :seconds)")
    empty_at = session.scalar(almost_full, {"seconds": drop.step * (amount - 1)})
    BucketFactory.create(key=drop.key, empty_at=empty_at)
    assert [(await fill(engine, drop))[0].is_admitted for _ in range(2)] == [True, False]


async def test_what_leaks_out_is_free_again(engine: AsyncEngine, session: Session) -> None:
    await count_admitted(engine, 10, TEN_AN_HOUR)
    session.execute(text("UPDATE throttling_bucket SET empty_at = empty_at - interval '13 min'"))
    session.commit()
    assert await count_admitted(engine, 10, TEN_AN_HOUR) == 2


async def test_the_first_full_bucket_ends_it(engine: AsyncEngine, session: Session) -> None:
    """Whoever is refused for one reason does not use up what is everybody's."""
    everybody = Drop(b"c" * 16, 1.0, 3600.0)
    await count_admitted(engine, 10, TEN_AN_HOUR)
    (refused,) = await fill(engine, TEN_AN_HOUR, everybody)
    assert not refused.is_admitted
    assert refused.seconds == pytest.approx(3600, abs=60)
    assert session.scalar(select(func.count()).select_from(Bucket)) == 1


async def test_a_drop_is_taken_back(engine: AsyncEngine) -> None:
    await count_admitted(engine, 10, TEN_AN_HOUR)
    async with engine.connect() as connection:
        await buckets.take_back(connection, [TEN_AN_HOUR])
    assert await count_admitted(engine, 5, TEN_AN_HOUR) == 1


async def test_purging_leaves_what_counts(engine: AsyncEngine, session: Session) -> None:
    BucketFactory.create_batch(3, seconds=-1)
    kept = BucketFactory.create(seconds=60)
    session.commit()
    async with engine.connect() as connection:
        await buckets.purge(connection)
    assert session.scalars(select(Bucket.key)).all() == [kept.key]


async def test_purging_does_not_wait(engine: AsyncEngine, session: Session) -> None:
    """What somebody counts in this moment is left to the next time."""
    BucketFactory.create_batch(2, seconds=-1)
    session.commit()
    session.execute(select(Bucket).limit(1).with_for_update())
    async with engine.connect() as connection:
        await buckets.purge(connection)
    assert session.scalar(select(func.count()).select_from(Bucket)) == 1


async def test_the_table_is_not_logged(session: Session) -> None:
    kind = text("SELECT relpersistence FROM pg_class WHERE relname = 'throttling_bucket'")
    assert session.scalar(kind) == "u"

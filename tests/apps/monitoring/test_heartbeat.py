"""Signs of life, from real threads into the real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from loguru import logger
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from apps.monitoring import queries
from apps.monitoring.heartbeat import Heart, describe
from apps.monitoring.lifespan import USUAL, lifespan, seconds_between_beats
from apps.monitoring.models import Worker
from apps.monitoring.settings import MonitoringSettings
from project.app_settings import SettingsOfApps
from project.runtime import Runtime
from tests.factories.monitoring import WorkerFactory

pytestmark = [pytest.mark.anyio, pytest.mark.committed]
ALIVE = timedelta(seconds=15)


@pytest.fixture
async def heart(runtime: Runtime, session: Session) -> AsyncIterator[Heart]:
    yield Heart(runtime, seconds=0.01)
    runtime.lanes["probe"].close()


async def test_first_and_later_beats_are_one_row(heart: Heart, session: Session) -> None:
    await heart.beat()
    (first,) = queries.list_workers(session, silent_for=ALIVE)
    seen_at = first.seen_at
    session.rollback()
    await heart.beat()
    (again,) = queries.list_workers(session, silent_for=ALIVE)
    session.refresh(again)
    assert again.id == first.id
    assert again.seen_at > seen_at


async def test_worker_that_ends_disappears_at_once(heart: Heart, session: Session) -> None:
    await heart.beat()
    await heart.retire()
    assert session.scalar(select(func.count()).select_from(Worker)) == 0


async def test_worker_that_died_disappears_by_itself(heart: Heart, session: Session) -> None:
    silent = datetime.now(UTC) - timedelta(seconds=20)
    WorkerFactory(seen_at=silent)
    WorkerFactory(seen_at=silent - timedelta(minutes=10))
    session.commit()
    assert queries.list_workers(session, silent_for=ALIVE) == []
    session.rollback()
    await heart.beat()
    assert session.scalar(select(func.count()).select_from(Worker)) == 2


async def test_what_cannot_be_written_ends_nothing(heart: Heart, session: Session) -> None:
    session.execute(text("ALTER TABLE monitoring_worker RENAME TO elsewhere"))
    session.commit()
    beating = asyncio.create_task(heart.beat_on())
    try:
        async with asyncio.timeout(10):
            await heart.beat()
            await heart.retire()
    finally:
        session.execute(text("ALTER TABLE elsewhere RENAME TO monitoring_worker"))
        session.commit()
    async with asyncio.timeout(10):
        while not queries.list_workers(session, silent_for=ALIVE):
            session.rollback()
            await asyncio.sleep(0)
    beating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beating


async def test_bug_is_logged_with_its_place_and_ends_nothing(runtime: Runtime) -> None:
    lines: list[str] = []
    heart = Heart(Runtime(**{**vars(runtime), "vitals": None}), seconds=1)
    sink = logger.add(lines.append, format="{message}")
    try:
        await heart.beat()
        await heart.beat()
    finally:
        logger.remove(sink)
    (line,) = lines
    assert "AttributeError" in line
    assert "in describe" in line


async def test_what_a_worker_tells(runtime: Runtime) -> None:
    told = describe(runtime)
    assert {"database", "cpu", "hash", "probe", "async"} <= told["lanes"].keys()
    assert told["pool"]["size"] == runtime.settings.database.pool_size
    assert told["loop_lag"] >= 0


async def test_begins_and_ends_with_the_server(runtime: Runtime, session: Session) -> None:
    own = SettingsOfApps({"monitoring": MonitoringSettings(heartbeat=0.01)})
    changed = Runtime(**{**vars(runtime), "app_settings": own})
    async with lifespan(changed), asyncio.timeout(10):
        while not queries.list_workers(session, silent_for=ALIVE):
            session.rollback()
            await asyncio.sleep(0)
    session.rollback()
    assert queries.list_workers(session, silent_for=ALIVE) == []


def test_tests_are_not_counted_unless_they_ask(runtime: Runtime) -> None:
    assert seconds_between_beats(runtime) == 0
    general = runtime.settings.general.model_copy(update={"environment": "development"})
    settings = runtime.settings.model_copy(update={"general": general})
    assert seconds_between_beats(Runtime(**{**vars(runtime), "settings": settings})) == USUAL

"""The admin's share of the pool."""

import asyncio
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.admin.work import LONGEST, SHARE, AdminWork
from project.runtime import Runtime
from project.web.gate import LaneFull

pytestmark = [pytest.mark.anyio, pytest.mark.committed]


async def test_admin_leaves_connections_to_the_others(runtime: Runtime, session: Session) -> None:
    work = AdminWork(runtime)
    release = threading.Event()

    def hold(session: Session) -> None:
        session.execute(text("SELECT 1"))
        release.wait(10)

    held = [asyncio.create_task(work.run(hold)) for _ in range(6)]
    try:
        await asyncio.sleep(0.1)
        assert runtime.lanes.database.running == SHARE
        assert runtime.lanes.database.waiting == 0
    finally:
        release.set()
        await asyncio.gather(*held)
    assert runtime.lanes.database.running == 0


async def test_waiting_ends(
    runtime: Runtime, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = AdminWork(runtime)
    monkeypatch.setattr(runtime.lanes.database, "queue_timeout", 0.05)
    release = threading.Event()
    held = [asyncio.create_task(work.run(lambda _: release.wait(10))) for _ in range(SHARE)]
    try:
        await asyncio.sleep(0.02)
        with pytest.raises(LaneFull):
            await work.run(lambda _: None)
    finally:
        release.set()
        await asyncio.gather(*held)


async def test_failure_rolls_back_and_frees_the_place(runtime: Runtime, session: Session) -> None:
    work = AdminWork(runtime)

    def fail(session: Session) -> None:
        session.execute(text("CREATE TABLE left_over ()"))
        raise KeyError

    for _ in range(SHARE + 1):
        with pytest.raises(KeyError):
            await work.run(fail)
    assert session.scalar(text("SELECT to_regclass('left_over')")) is None


async def test_long_work_leaves_the_only_share_to_pages(
    runtime: Runtime, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = runtime.lanes.database
    monkeypatch.setattr(lane, "size", 2)
    work, release = AdminWork(runtime), threading.Event()
    long = asyncio.create_task(work.run_long(lambda _: release.wait(10)))
    try:
        assert await work.run(lambda found: found.scalar(text("SELECT 1"))) == 1
        assert not long.done()
    finally:
        release.set()
        await long


@pytest.mark.parametrize(("size", "longest"), [(1, 2.5), (2, LONGEST), (9, LONGEST)])
async def test_long_work_with_the_only_connection_is_short(
    runtime: Runtime, session: Session, monkeypatch: pytest.MonkeyPatch, size: int, longest: float
) -> None:
    monkeypatch.setattr(runtime.lanes.database, "size", size)
    monkeypatch.setattr(runtime.lanes.database, "queue_timeout", 5.0)
    assert AdminWork(runtime).longest == longest

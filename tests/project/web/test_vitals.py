"""What a worker counts of itself."""

import asyncio
import time

import pytest
from fastapi.testclient import TestClient

from project.runtime import Runtime
from project.web.vitals import REMEMBERED, Vitals, memory_of_process


def test_pace_is_of_what_came_since_the_last_reading() -> None:
    vitals = Vitals()
    for number in range(100):
        vitals.count(500 if number < 10 else 200, number / 1000)
    pace = vitals.read()
    assert pace.requests_per_second == pytest.approx(10 * pace.errors_per_second)
    assert pace.p95 == pytest.approx(0.094)
    quiet = vitals.read()
    assert (quiet.requests_per_second, quiet.errors_per_second) == (0, 0)
    assert (vitals.requests, vitals.errors) == (100, 10)


def test_nothing_was_asked() -> None:
    assert Vitals().read().p95 is None


def test_memory_stays_bounded() -> None:
    vitals = Vitals()
    for _ in range(2 * REMEMBERED):
        vitals.count(200, 0.001)
    assert len(vitals._durations) == REMEMBERED


@pytest.mark.anyio
@pytest.mark.blocks_loop
async def test_late_loop_is_noticed() -> None:
    vitals = Vitals()
    async with vitals.watching_loop():
        await asyncio.sleep(0)
        time.sleep(0.4)  # noqa: ASYNC251 - the block that is to be seen
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while vitals._loop_lag == 0:  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0)
    assert vitals.read().loop_lag > 0.1
    assert vitals.read().loop_lag == 0


def test_every_request_is_counted(client: TestClient, runtime: Runtime) -> None:
    before = runtime.vitals.requests
    client.get("/health/live")
    client.get("/nowhere")
    assert runtime.vitals.requests == before + 2


def test_memory_of_this_process() -> None:
    memory = memory_of_process()
    assert memory is None or memory > 10_000_000

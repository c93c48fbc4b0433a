"""The gate without threads behind it; how it queues is in test_lanes.py."""

import asyncio

import pytest

from project.web.gate import Gate, LaneFull

pytestmark = pytest.mark.anyio


async def test_lets_so_many_in() -> None:
    gate = Gate("test", size=2, queue_size=100, queue_timeout=5)
    inside, most = 0, 0

    async def visit() -> None:
        nonlocal inside, most
        async with gate:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(visit() for _ in range(50)))
    assert most == 2
    assert (gate.running, gate.waiting, gate.completed) == (0, 0, 50)


async def test_sheds_past_the_queue() -> None:
    gate = Gate("test", size=1, queue_size=0, queue_timeout=5)
    async with gate:
        with pytest.raises(LaneFull):
            await gate.__aenter__()
    assert gate.gauges()[:5] == (1, 0, 0, 1, 1)


async def test_error_and_cancellation_leave() -> None:
    gate = Gate("test", size=1, queue_size=0, queue_timeout=5)

    async def stay() -> None:
        async with gate:
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await asyncio.sleep(0)
    assert gate.running == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gate.running == 0

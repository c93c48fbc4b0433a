import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial

import pytest

from project.web.gate import Gauges, LaneFull
from project.web.lanes import Lane, NestedUse

pytestmark = pytest.mark.anyio


def make_lane(*, size: int = 2, queue_size: int = 10, queue_timeout: float = 5.0) -> Lane:
    return Lane("test", size=size, queue_size=queue_size, queue_timeout=queue_timeout)


async def until(condition: Callable[[Lane], bool], *, lane: Lane) -> None:
    """Let the loop turn until the lane looks as asked."""
    async with asyncio.timeout(5):
        while not condition(lane):  # noqa: ASYNC110 - a lane has no event to wait for
            await asyncio.sleep(0)


def _has_waiting(lane: Lane, count: int) -> bool:
    return lane.waiting == count


async def test_returns_and_raises_what_the_function_does() -> None:
    lane = make_lane()
    assert await lane.run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await lane.run(divmod, 7, 0)
    assert (lane.running, lane.waiting, lane.completed) == (0, 0, 2)


async def test_never_more_threads_than_its_size() -> None:
    lane = make_lane(size=3, queue_size=100)
    inside, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.005)
        with lock:
            inside -= 1

    await asyncio.gather(*(lane.run(work) for _ in range(60)))
    assert most == 3
    assert lane.completed == 60


async def test_full_queue_sheds_at_once() -> None:
    lane = make_lane(size=1, queue_size=1)
    gate = threading.Event()
    busy = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.running == 1, lane=lane)
    waiting = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.waiting == 1, lane=lane)
    with pytest.raises(LaneFull):
        await lane.run(gate.wait)
    gate.set()
    assert all(await asyncio.gather(busy, waiting))
    assert lane.shed == 1


async def test_long_wait_sheds() -> None:
    lane = make_lane(size=1, queue_timeout=0.05)
    gate = threading.Event()
    busy = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.running == 1, lane=lane)
    with pytest.raises(LaneFull) as refusal:
        await lane.run(gate.wait)
    gate.set()
    await busy
    assert refusal.value.headers == {"Retry-After": "1"}
    assert (lane.running, lane.waiting, lane.shed) == (0, 0, 1)


async def test_first_come_first_served() -> None:
    lane = make_lane(size=1)
    gate, order = threading.Event(), list[int]()
    busy = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.running == 1, lane=lane)
    tasks = []
    for number in range(5):
        tasks.append(asyncio.create_task(lane.run(order.append, number)))
        await until(partial(_has_waiting, count=number + 1), lane=lane)
    gate.set()
    await asyncio.gather(busy, *tasks)
    assert order == [0, 1, 2, 3, 4]


async def test_cancelled_caller_keeps_its_place_until_the_thread_is_done() -> None:
    lane = make_lane(size=1)
    gate = threading.Event()
    task = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.running == 1, lane=lane)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert lane.running == 1
    gate.set()
    await until(lambda lane: lane.running == 0, lane=lane)


async def test_cancelled_waiter_leaves_the_queue() -> None:
    lane = make_lane(size=1)
    gate = threading.Event()
    busy = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.running == 1, lane=lane)
    waiter = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.waiting == 1, lane=lane)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert lane.waiting == 0
    gate.set()
    await busy
    assert lane.running == 0


async def test_context_variables_reach_the_thread() -> None:
    name: ContextVar[str] = ContextVar("name")
    name.set("lintel")
    assert await make_lane().run(name.get) == "lintel"


async def test_stop_iteration_arrives_as_an_error() -> None:
    """asyncio cannot carry it, so the caller would wait for ever and the place be lost."""
    lane = make_lane(size=1)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(lane.run(next, iter(())), timeout=5)
    assert lane.running == 0


async def test_closed_lane_opens_again() -> None:
    lane = make_lane()
    await lane.run(int)
    lane.close()
    assert await lane.run(int) == 0


async def test_gauges() -> None:
    lane = make_lane(size=1, queue_size=1)
    gate = threading.Event()
    busy = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.running == 1, lane=lane)
    waiting = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.waiting == 1, lane=lane)
    with pytest.raises(LaneFull):
        await lane.run(gate.wait)
    assert lane.gauges() == Gauges(
        tokens=1, running=1, waiting=1, completed=0, shed=1, wait_seconds=0.0
    )
    await asyncio.sleep(0.05)
    gate.set()
    await asyncio.gather(busy, waiting)
    after = lane.gauges()
    assert after[:5] == (1, 0, 0, 2, 1)
    assert after.wait_seconds >= 0.04


async def test_a_wait_that_ends_in_vain_counts() -> None:
    lane = make_lane(size=1, queue_timeout=0.05)
    gate = threading.Event()
    busy = asyncio.create_task(lane.run(gate.wait))
    await until(lambda lane: lane.running == 1, lane=lane)
    with pytest.raises(LaneFull):
        await lane.run(gate.wait)
    gate.set()
    await busy
    assert lane.gauges().wait_seconds >= 0.04


@pytest.mark.parametrize("inner", ["test", "other"])
async def test_nested_use_is_refused(inner: str) -> None:
    """Both threads of the lane would wait for a third."""
    lane, loop = make_lane(), asyncio.get_running_loop()
    wanted = lane if inner == "test" else Lane(inner, size=2, queue_size=10, queue_timeout=5.0)

    def nested() -> object:
        return asyncio.run_coroutine_threadsafe(wanted.run(int), loop).result()

    results = await asyncio.gather(lane.run(nested), lane.run(nested), return_exceptions=True)
    assert [type(result) for result in results] == [NestedUse, NestedUse]
    assert f"in the test lane may not wait for the {inner} lane" in str(results[0])
    assert [(lane.running, lane.waiting, lane.shed) for lane in (lane, wanted)] == [(0, 0, 0)] * 2


async def test_nested_use_by_a_loop_of_its_own() -> None:
    lane = make_lane(size=1)
    with pytest.raises(NestedUse):
        await lane.run(lambda: asyncio.run(lane.run(int)))
    assert (lane.running, lane.waiting) == (0, 0)


async def test_one_lane_after_the_other() -> None:
    """Neither the caller nor a task that it starts is inside a lane."""
    lane, other = make_lane(size=1), make_lane(size=1)
    assert await lane.run(int) == await other.run(int) == 0
    task = asyncio.create_task(lane.run(int))
    assert await other.run(int) == await task

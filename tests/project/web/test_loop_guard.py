"""The loop guard names what blocks the loop, and nothing else."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from jinja2 import Environment
from loguru import logger
from sqlalchemy import text

from project.application import create_application
from project.settings import ROOT, Settings
from project.web.loop_guard import Block, LoopGuard, recorded_blocks
from project.web.route import Router
from project.web.transaction import DbSession
from tests.database import TestDatabase
from tests.guards import free_loop

pytestmark = pytest.mark.blocks_loop

THRESHOLD = 0.1
Function = Callable[[], object]


@pytest.fixture
def blocks() -> Iterator[list[Block]]:
    with recorded_blocks() as blocks:
        yield blocks


def run_on_loop(*callbacks: Function, then: float = 0.0) -> None:
    """Run each callback on a guarded loop, in one turn of it."""

    async def run() -> None:
        with LoopGuard(THRESHOLD).watching():
            await asyncio.sleep(0.05)
            for callback in callbacks:
                asyncio.get_running_loop().call_soon(callback)
            await asyncio.sleep(then)
            await asyncio.sleep(0.05)

    asyncio.run(run())


def line_of(function: Function, offset: int = 1) -> str:
    code = function.__code__
    return f"{os.path.relpath(__file__, ROOT)}:{code.co_firstlineno + offset} in {code.co_name}"


def sleep() -> None:
    time.sleep(0.4)


def compute() -> None:
    until = time.thread_time() + 0.3
    while time.thread_time() < until: sum(range(1000))  # fmt: skip  # noqa: E701


def count_for(seconds: float) -> int:
    """Find how far this interpreter adds up in that time; its builds differ threefold."""
    sample = 1_000_000
    took = min(timeit.repeat(lambda: sum(range(sample)), number=1, repeat=5))
    return int(sample * seconds / took)


LONG = count_for(0.3)


def hold_the_lock() -> None:
    sum(range(LONG))  # one call into C, which never lets another thread run


def wait_often() -> None:
    for _ in range(20): time.sleep(0.03)  # fmt: skip  # noqa: E701


@pytest.mark.parametrize(("function", "offset"), [(sleep, 1), (compute, 2), (wait_often, 1)])
def test_names_the_line(blocks: list[Block], function: Function, offset: int) -> None:
    run_on_loop(function)
    assert [block.place for block in blocks] == [line_of(function, offset)]
    assert blocks[0].seconds >= THRESHOLD


def test_names_a_call_that_holds_the_lock(blocks: list[Block]) -> None:
    """The guard gets one look, after the call; on a loaded machine it may come too late."""
    for _ in range(10):
        run_on_loop(hold_the_lock)
        if blocks:
            break
    assert blocks[0].place == line_of(hold_the_lock)


def test_route_is_named_once(
    settings: Settings, database: TestDatabase, blocks: list[Block]
) -> None:
    router = Router()

    @router.get("/blocks")
    async def blocking() -> None:
        time.sleep(0.3)  # noqa: ASYNC251 - the point

    app = create_application(settings, database=database)
    app.include_router(router)
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    with TestClient(app) as client:
        client.get("/blocks")
    logger.remove(sink)
    assert [block.place for block in blocks] == [line_of(blocking, 2)]
    assert len(lines) == 1
    assert blocks[0].stack[-1] == blocks[0].place
    assert str(blocks[0]) in lines[0]
    assert lines[0].count(blocks[0].place) == 1


def test_a_report_says_the_place_once() -> None:
    """First where it was, then what was called there, then who had called it, nearest first."""
    calls = ("route.py:9 in run", "api.py:5 in read", "views.py:3 in load", "pathlib.py:1 in read")
    assert str(Block(0.2, "views.py:3 in load", calls)).splitlines() == [
        "The event loop was blocked for 0.20 s at views.py:3 in load",
        "    which called pathlib.py:1 in read",
        "    called by api.py:5 in read",
        "    called by route.py:9 in run",
    ]


def test_slow_sql_in_a_lane_is_none(
    settings: Settings, database: TestDatabase, blocks: list[Block]
) -> None:
    router = Router()

    @router.get("/slow")
    def slow(session: DbSession) -> None:
        session.execute(text("SELECT pg_sleep(0.4)"))

    app = create_application(settings, database=database)
    app.include_router(router)
    with TestClient(app) as client:
        assert client.get("/slow").status_code == 200
    assert blocks == []


def test_a_library_without_our_code_is_named(blocks: list[Block]) -> None:
    gate = threading.Event()
    timer = threading.Timer(0.4, gate.set)
    timer.start()
    run_on_loop(gate.wait)
    timer.join()
    assert "threading.py" in blocks[0].place


def test_many_short_callbacks_are_none(blocks: list[Block]) -> None:
    def short() -> None:
        until = time.thread_time() + 0.003
        while time.thread_time() < until: pass  # fmt: skip  # noqa: E701

    run_on_loop(*[short] * 150)
    assert blocks == []


@pytest.mark.parametrize("burners", [1, 6])
def test_threads_that_burn_are_none(blocks: list[Block], burners: int) -> None:
    """They slow every callback down; 10 ms of work on the loop are still no block of it."""
    done = threading.Event()

    def burn() -> None:
        while not done.is_set():
            sum(range(1000))

    def work() -> None:
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            sum(range(1000))

    threads = [threading.Thread(target=burn) for _ in range(burners)]
    for thread in threads:
        thread.start()
    try:
        run_on_loop(*[work] * 20, then=0.2)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert blocks == []


def test_compiling_a_template_is_none(blocks: list[Block]) -> None:
    source = "{% for x in y %}{{ x }}{% endfor %}" * 400
    run_on_loop(lambda: Environment(autoescape=True).from_string(source))
    assert blocks == []


def test_idle_loop_is_none(blocks: list[Block]) -> None:
    run_on_loop(then=0.4)
    assert blocks == []


STOPPED = """
import asyncio, time
from project.web.loop_guard import LoopGuard, recorded_blocks

def work():
    until = time.thread_time() + 0.02
    while time.thread_time() < until: pass

async def main():
    with LoopGuard(0.1).watching():
        await asyncio.sleep(0.05)
        print("ready", flush=True)
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            work()
            await asyncio.sleep(0)

with recorded_blocks() as blocks:
    asyncio.run(main())
print(len(blocks), *blocks)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs a process that can be stopped")
def test_stopped_process_is_none() -> None:
    """As a laptop that sleeps, or a debugger that halts every thread."""
    command = [sys.executable, "-c", STOPPED]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == "0\n"


def test_fails_the_test() -> None:
    place = r"test_loop_guard\.py:\d+ in sleep"
    with pytest.raises(pytest.fail.Exception, match=place), free_loop(0.0):
        run_on_loop(sleep)


@pytest.mark.parametrize(
    ("environment", "wanted", "is_on"),
    [
        ("development", None, True),
        ("test", None, True),
        ("staging", None, False),
        ("production", None, False),
        ("production", True, True),
        ("development", False, False),
    ],
)
def test_where_it_is_on(
    settings: Settings, environment: str, wanted: bool | None, is_on: bool
) -> None:
    general = settings.general.model_copy(update={"environment": environment})
    server = settings.server.model_copy(update={"loop_guard": wanted})
    changed = settings.model_copy(update={"general": general, "server": server})
    assert changed.has_loop_guard == is_on


def test_leaves_nothing_behind() -> None:
    run_on_loop(sleep)
    names = [thread.name for thread in threading.enumerate()]
    assert "loop-guard" not in names


MANY_LOOKS = """
import gc, os, threading, time
from project.web.loop_guard import frames_of

gc.set_threshold(30, 2, 2)
gc.callbacks.append(lambda phase, info: time.perf_counter())

def call(depth):
    call(depth - 1) if depth else time.sleep(0.0005)

def leave_garbage():
    for _ in range(2):
        cycle = [threading.local()]
        cycle.append(cycle)

def start_thread():
    thread = threading.Thread(target=leave_garbage)
    thread.start()
    thread.join()

def repeat(act):
    while True: act()

for act in (*[lambda: call(3)] * 10, *[start_thread] * 3):
    threading.Thread(target=repeat, args=(act,), daemon=True).start()
for _ in range(500):
    frames_of(threading.get_ident())
    time.sleep(0.0005)
print("done", flush=True)
os._exit(0)
"""


def test_a_look_cannot_lock_the_process_up() -> None:
    looking = subprocess.run(
        [sys.executable, "-c", MANY_LOOKS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert looking.stdout == "done\n", looking.stderr

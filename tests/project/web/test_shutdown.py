"""What is called before the server's own handler of a signal."""

import asyncio
import signal
import threading

import pytest
from fastapi import FastAPI

from project.application import create_application
from project.runtime import Runtime
from project.settings import Settings
from project.web.shutdown import SIGNALS, called_at_shutdown
from tests.database import TestDatabase

pytestmark = pytest.mark.anyio


def do_nothing() -> None: ...


@pytest.mark.parametrize("number", SIGNALS)
async def test_calls_back_and_hands_on(number: signal.Signals) -> None:
    called, handed_on = asyncio.Event(), list[int]()
    before = signal.signal(number, lambda received, _: handed_on.append(received))
    servers_own = signal.getsignal(number)
    try:
        with called_at_shutdown(called.set):
            signal.raise_signal(number)
            async with asyncio.timeout(10):
                await called.wait()
        assert signal.getsignal(number) is servers_own
    finally:
        signal.signal(number, before)
    assert handed_on == [number]


async def test_default_handlers_stay() -> None:
    """Nothing is put in their place: the process would survive what was meant to end it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with called_at_shutdown(do_nothing):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_other_threads_have_no_signals() -> None:
    handlers = [signal.getsignal(number) for number in SIGNALS]
    found = list[object]()

    async def look() -> None:
        with called_at_shutdown(do_nothing):
            found.extend(signal.getsignal(number) for number in SIGNALS)

    thread = threading.Thread(target=lambda: asyncio.run(look()))
    thread.start()
    thread.join()
    assert found == handlers


@pytest.fixture
def own_application(settings: Settings, database: TestDatabase) -> FastAPI:
    return create_application(settings, database=database)


async def test_application_knows_that_it_ends(own_application: FastAPI) -> None:
    runtime: Runtime = own_application.state.runtime
    told = asyncio.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        async with own_application.router.lifespan_context(own_application):
            assert not runtime.vitals.is_ending
            signal.raise_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                await told.wait()
            await asyncio.sleep(0)  # the callback's turn
            assert runtime.vitals.is_ending
    finally:
        signal.signal(signal.SIGTERM, before)

"""The line that holds the loop is named, and nobody for a loop that is idle."""

import asyncio
import threading
import time

import pytest

from loadtests.lab.probe.loop import HELD, LoopWatch


class Looker(threading.Thread):
    """Looks every 10 ms until it is told to stop."""

    def __init__(self, watch: LoopWatch) -> None:
        super().__init__()
        self._watch = watch
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.01):
            self._watch.look(0.01)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def hold_the_loop() -> None:
    time.sleep(6 * HELD)


@pytest.mark.blocks_loop
@pytest.mark.anyio
async def test_the_line_is_named() -> None:
    watch = LoopWatch()
    watch.start()
    looker = Looker(watch)
    looker.start()
    await asyncio.sleep(0.2)
    hold_the_loop()
    await asyncio.sleep(0.2)
    looker.stop()
    watch.stop()
    held = {where: seconds for where, seconds, _ in watch.take_held() if "hold_the_loop" in where}
    (where,) = held
    line = hold_the_loop.__code__.co_firstlineno + 1
    assert where == f"tests/loadtests/lab/probe/test_loop.py:{line} hold_the_loop"
    assert max(watch.take_lags()) > HELD

"""A gate: so many at a time, and a queue before it that is bounded in length and time.

Who does not get a place within the bounds is told to come back (503 with `Retry-After`)
instead of piling up. The waiting happens on the event loop. anyio's CapacityLimiter bounds
neither the queue's length nor the waiting time, hence a small class of our own.
"""

import asyncio
from collections import deque
from contextlib import suppress
from time import perf_counter
from typing import NamedTuple

from project.errors import Unavailable
from project.web.costs import current_costs


class LaneFull(Unavailable):
    """The lane's queue is full, or the wait in it took too long."""

    code = "busy"
    title = "The server is busy; try again in a moment"


class Gauges(NamedTuple):
    """The state of a gate at one moment: what it has, what it does, what it has done."""

    tokens: int
    running: int
    waiting: int
    completed: int
    shed: int
    wait_seconds: float


class Gate:
    """Lets `size` in at a time, with at most `queue_size` more waiting their turn.

        async with gate: ...

    `queue_timeout` is in seconds. The counters are for gauges and tests: `running` and
    `waiting` now; `completed`, `shed` and `wait_seconds`, all waits added up, since the start.
    Raises LaneFull past the bounds.
    """

    def __init__(self, name: str, *, size: int, queue_size: int, queue_timeout: float) -> None:
        self.name = name
        self.size = size
        self.queue_size = queue_size
        self.queue_timeout = queue_timeout
        self.running = 0
        self.completed = 0
        self.shed = 0
        self.wait_seconds = 0.0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for a place now."""
        return len(self._queue)

    def gauges(self) -> Gauges:
        """Read all counters at one moment."""
        return Gauges(
            tokens=self.size,
            running=self.running,
            waiting=self.waiting,
            completed=self.completed,
            shed=self.shed,
            wait_seconds=self.wait_seconds,
        )

    async def __aenter__(self) -> None:
        if not self._has_taken_place():
            await self._wait_for_place()

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _has_taken_place(self) -> bool:
        """Take a free place, without a coroutine's cost; False if there is none."""
        if self.running < self.size:
            self.running += 1
            return True
        return False

    async def _wait_for_place(self) -> None:
        if len(self._queue) >= self.queue_size:
            self._shed()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        began = perf_counter()
        try:
            async with asyncio.timeout(self.queue_timeout):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._give_place()  # the turn came at the very moment the waiting ended
            else:
                with suppress(ValueError):
                    self._queue.remove(turn)
            if isinstance(error, TimeoutError):
                self._shed()
            raise
        finally:
            waited = perf_counter() - began
            self.wait_seconds += waited
            if (costs := current_costs.get()) is not None:
                costs.lane_wait += waited

    def _shed(self) -> None:
        self.shed += 1
        raise LaneFull

    def _leave(self) -> None:
        self.completed += 1
        self._give_place()

    def _give_place(self) -> None:
        """Hand the place to the longest waiting, or count it free."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1

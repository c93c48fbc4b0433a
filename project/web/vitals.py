"""How a worker does: what its requests and its event loop did lately, kept in memory.

A few counters in the process itself; whoever shows them (the admin's overview, metrics) reads
them. Counting a request costs a microsecond.
"""

import asyncio
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import NamedTuple

SERVER_ERROR = 500
REMEMBERED = 2_000
"""Requests whose durations are kept."""

LATELY = 60.0
"""Seconds; what is older says nothing about now."""

TICK = 0.25
"""Seconds between two looks at the loop."""

MEMORY = Path("/proc/self/statm")


class Pace(NamedTuple):
    """What happened between two readings: by the second, and in seconds."""

    requests_per_second: float
    errors_per_second: float
    p95: float | None
    """Of the requests of the last minute, until their answer began; None without any."""

    loop_lag: float
    """The longest time for which the event loop was late."""


class Vitals:
    """Counters of one process. All but `count` is called on the event loop."""

    def __init__(self, on_lag: Callable[[float], None] | None = None) -> None:
        self._on_lag = on_lag
        self.is_ending = False
        """Whether the process has been told to end: it takes no more work than it has."""

        self.requests = 0
        self.errors = 0
        self._durations: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        self._loop_lag = 0.0
        self._read_at = monotonic()
        self._read = (0, 0)

    def count(self, status: int, seconds: float) -> None:
        """Count a request that was answered, and how long its answer took to begin."""
        self.requests += 1
        if status >= SERVER_ERROR:
            self.errors += 1
        self._durations.append((monotonic(), seconds))

    @asynccontextmanager
    async def watching_loop(self) -> AsyncIterator[None]:
        """Measure meanwhile how late the running loop is."""
        ticking = asyncio.create_task(self._tick(), name="vitals")
        try:
            yield
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking

    async def _tick(self) -> None:
        while True:
            began = monotonic()
            await asyncio.sleep(TICK)
            lag = max(0.0, monotonic() - began - TICK)
            self._loop_lag = max(self._loop_lag, lag)
            if self._on_lag is not None:
                self._on_lag(lag)

    def read(self) -> Pace:
        """Return what happened since the last reading, and begin anew."""
        now, seen = monotonic(), (self.requests, self.errors)
        elapsed = max(now - self._read_at, TICK)
        requests, errors = (new - old for new, old in zip(seen, self._read, strict=True))
        pace = Pace(requests / elapsed, errors / elapsed, self._p95(now), self._loop_lag)
        self._read_at, self._read, self._loop_lag = now, seen, 0.0
        return pace

    def _p95(self, now: float) -> float | None:
        durations = sorted(seconds for at, seconds in self._durations if now - at <= LATELY)
        return durations[int(0.95 * (len(durations) - 1))] if durations else None


def memory_of_process() -> int | None:
    """Return how many bytes of memory this process occupies; None where the system keeps quiet."""
    if sys.platform != "linux":
        return None
    with suppress(OSError, ValueError, IndexError):
        return int(MEMORY.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None

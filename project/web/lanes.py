"""Lanes: bulkheads for blocking work.

A lane has a fixed number of threads and a queue that is bounded in length and time. Who
does not get a thread within the bounds is told to come back (503 with `Retry-After`)
instead of piling up. A flood in one lane never starves another.

The waiting happens on the event loop (`project.web.gate`), so a thread that runs always has
all it needs. In the database lane there are as many threads as the pool has connections,
which is why no thread ever waits for a connection (DESIGN, the law). A hop costs about half
the CPU of anyio's.
"""

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from project.web.gate import Gate, Gauges, LaneFull

__all__ = ["DATABASE", "HASH", "PROBE", "Gauges", "Lane", "LaneFull", "Lanes"]

P = ParamSpec("P")
T = TypeVar("T")

DATABASE = "database"
HASH = "hash"
PROBE = "probe"


class Lane(Gate):
    """Blocking work in `size` threads: a gate, and behind it a thread for each place."""

    def __init__(self, name: str, *, size: int, queue_size: int, queue_timeout: float) -> None:
        super().__init__(name, size=size, queue_size=queue_size, queue_timeout=queue_timeout)
        self._threads: ThreadPoolExecutor | None = None

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in this lane and return what it returns.

        It sees the caller's context variables. Raises LaneFull past the bounds. If the
        caller is cancelled meanwhile, the function runs on to its end and keeps its place:
        a thread cannot be stopped, and its connection is not free before it is done.
        """
        if not self._has_taken_place():
            await self._wait_for_place()
        context = contextvars.copy_context()
        work = partial(context.run, _call, function, *args, **kwargs)
        try:
            future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        except BaseException:
            self._give_place()
            raise
        future.add_done_callback(self._finish)
        return await asyncio.shield(future)

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    @property
    def _executor(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.size, thread_name_prefix=self.name)
        return self._threads

    def _finish(self, future: "asyncio.Future[T]") -> None:
        self._leave()
        if not future.cancelled():
            future.exception()  # seen here, in case the caller has gone


def _call(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it; asyncio cannot carry a StopIteration over to the loop, and would wait for ever."""
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        raise RuntimeError("StopIteration was raised in a lane") from error


class Lanes:
    """The lanes of one process, by name."""

    def __init__(self, *lanes: Lane) -> None:
        self._lanes = {lane.name: lane for lane in lanes}

    def __getitem__(self, name: str) -> Lane:
        return self._lanes[name]

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    @property
    def database(self) -> Lane:
        """As many threads as the pool has connections."""
        return self._lanes[DATABASE]

    @property
    def hash(self) -> Lane:
        """One thread: argon2 takes 19 MiB and a core for as long as it runs."""
        return self._lanes[HASH]

    def close(self) -> None:
        """Close every lane."""
        for lane in self:
            lane.close()

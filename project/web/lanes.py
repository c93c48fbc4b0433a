"""Lanes: bulkheads for blocking work.

A lane has a fixed number of threads and a queue that is bounded in length and time. Who
does not get a thread within the bounds is told to come back (503 with `Retry-After`)
instead of piling up. A flood in one lane never starves another.

The waiting happens on the event loop (`project.web.gate`), so a thread that runs always has
all it needs. In the database lane there are as many threads as the pool has connections,
which is why no thread ever waits for a connection. An app declares a lane of
its own in its `lanes.py`: `lanes(settings)` returns a tuple of them. A hop costs about half
the CPU of anyio's.
"""

import asyncio
import contextvars
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from project.apps import AppConfig, Registry
from project.errors import AppError, ProjectError
from project.settings import Settings
from project.web.gate import Gate

P = ParamSpec("P")
T = TypeVar("T")

DATABASE = "database"
CPU = "cpu"
HASH = "hash"
PROBE = "probe"
REPLICA = "replica"
"""There is one only with a replica. Who gets no thread in it soon goes to the database lane."""

REPLICA_QUEUE_TIMEOUT = 0.5

_inside: ContextVar[str] = ContextVar("lane", default="")
"""The lane whose thread this is; coroutines that it hands to a loop see it, too."""

NICENESS = 10
"""Of the threads that give way: about a tenth of the others' share of a core in demand."""

CONTAINER_SHARE = Path("/sys/fs/cgroup/cpu.max")
"""Microseconds of all cores together in each period of so many: `200000 100000` is two cores."""


class NestedUse(ProjectError):
    """Work in a lane's thread asks for a lane itself; a bug, not a client's mistake.

    As many of them as there are threads would all wait for a thread that none of them gives back.
    """

    def __init__(self, outer: str, inner: str) -> None:
        super().__init__(
            f"What runs in the {outer} lane may not wait for the {inner} lane: run one after the "
            "other, from an async def route."
        )


class Lane(Gate):
    """Blocking work in `size` threads: a gate, and behind it a thread for each place.

    A lane that `gives_way` computes for long: where the system can tell threads apart, the
    others get the cores first.
    """

    def __init__(
        self,
        name: str,
        *,
        size: int,
        queue_size: int,
        queue_timeout: float,
        gives_way: bool = False,
    ) -> None:
        super().__init__(name, size=size, queue_size=queue_size, queue_timeout=queue_timeout)
        self.gives_way = gives_way
        self._threads: ThreadPoolExecutor | None = None

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in this lane and return what it returns.

        It sees the caller's context variables. Raises LaneFull past the bounds. If the
        caller is cancelled meanwhile, the function runs on to its end and keeps its place:
        a thread cannot be stopped, and its connection is not free before it is done.
        Raises NestedUse when it is a lane's thread that asks, by whatever loop.
        """
        if outer := _inside.get():
            raise NestedUse(outer, self.name)
        if not self._has_taken_place():
            await self._wait_for_place()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        call = partial(function, *args, **kwargs)
        try:
            self._executor.submit(contextvars.copy_context().run, self._work, loop, answer, call)
        except BaseException:
            self._give_place()
            raise
        return await answer

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    @property
    def _executor(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(
                self.size,
                thread_name_prefix=self.name,
                initializer=_give_way if self.gives_way else None,
            )
        return self._threads

    # asyncio's own way from a thread to the loop takes three futures and two calls across.
    def _work(
        self, loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[T]", call: Callable[[], T]
    ) -> None:
        """Call it, in the thread, and hand over what came of it."""
        _inside.set(self.name)  # in the copied context: whoever called `run` is not inside
        result: Any = None
        failure: BaseException | None = None
        try:
            result = call()
        except StopIteration as error:  # no future takes this one
            failure = RuntimeError("StopIteration was raised in a lane")
            failure.__cause__ = error
        except BaseException as error:  # noqa: BLE001 - whoever awaits it decides
            failure = error
        with suppress(RuntimeError):  # the loop was closed meanwhile, and nobody waits
            loop.call_soon_threadsafe(self._finish, answer, result, failure)
        del failure  # whose traceback holds this frame: a cycle, and with it all that it worked on

    def _finish(
        self, answer: "asyncio.Future[T]", result: Any, failure: BaseException | None
    ) -> None:
        self._leave()
        if answer.done():
            return  # the caller has gone
        if failure is None:
            answer.set_result(result)
        else:
            answer.set_exception(failure)


def _give_way() -> None:
    """Make the calling thread nicer than the others.

    Without it, as many busy threads as cores would make the event loop wait for its turn with
    every request. Only Linux counts niceness by thread; elsewhere it is the whole process's.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may refuse; then all have the same share
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


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
    def cpu(self) -> Lane:
        """As many threads as there are cores, for what keeps one busy: pictures, reports."""
        return self._lanes[CPU]

    @property
    def hash(self) -> Lane:
        """One thread: argon2 takes 19 MiB and a core for as long as it runs."""
        return self._lanes[HASH]

    def close(self) -> None:
        """Close every lane."""
        for lane in self:
            lane.close()


def build_lanes(settings: Settings, registry: Registry) -> Lanes:
    """Make the process's lanes: the project's, then those that the installed apps declare.

    Raises AppError for a lane whose name is taken.
    """
    found = {lane.name: lane for lane in _own_lanes(settings)}
    for app, module in registry.modules("lanes"):
        for lane in _declared_lanes(app, module, settings):
            if lane.name in found:
                raise AppError(
                    f"App '{app.label}': there is a lane called '{lane.name}' already; "
                    "rename the one in its lanes.py."
                )
            found[lane.name] = lane
    return Lanes(*found.values())


def _own_lanes(settings: Settings) -> list[Lane]:
    database, security, lanes = settings.database, settings.security, settings.lanes
    return [
        Lane(
            DATABASE,
            size=database.pool_size,
            queue_size=database.queue_size,
            queue_timeout=database.queue_timeout,
        ),
        Lane(
            CPU,
            size=lanes.cpu_lane_size or available_cores(),
            queue_size=lanes.cpu_queue_size,
            queue_timeout=lanes.cpu_queue_timeout,
            gives_way=True,
        ),
        Lane(
            HASH,
            size=1,
            queue_size=security.hash_queue_size,
            queue_timeout=security.hash_queue_timeout,
        ),
        Lane(PROBE, size=1, queue_size=10, queue_timeout=1.0),
        *_replica_lane(settings),
    ]


def _replica_lane(settings: Settings) -> Iterator[Lane]:
    replica = settings.replica
    if replica.url:
        yield Lane(
            REPLICA,
            size=replica.pool_size,
            queue_size=replica.pool_size,
            queue_timeout=REPLICA_QUEUE_TIMEOUT,
        )


def _declared_lanes(app: AppConfig, module: Any, settings: Settings) -> tuple[Lane, ...]:
    declare = getattr(module, "lanes", None)
    declared = declare(settings) if callable(declare) else None
    if not isinstance(declared, tuple) or not all(isinstance(lane, Lane) for lane in declared):
        raise AppError(
            f"App '{app.label}': lanes.py must define `lanes(settings)`, which returns a tuple "
            "of lanes."
        )
    return declared


def available_cores(share: Path = CONTAINER_SHARE) -> int:
    """Count the cores that this process may keep busy; a container may have a share of them."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no container, or one without a limit
        time, period = map(int, share.read_text().split())
        cores = min(cores, max(1, round(time / period)))
    return cores

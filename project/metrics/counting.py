"""What one worker counts, and how it tells the others.

Counting a request costs two microseconds: a dictionary of numbers, no lock, since it happens on
the event loop alone.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loguru import logger

from project.db.error_counts import errors_by_sqlstate
from project.metrics import families
from project.metrics.families import Family
from project.metrics.readings import Labels, Readings
from project.metrics.slots import Slot
from project.web.vitals import memory_of_process

if TYPE_CHECKING:
    from project.runtime import Runtime

SECONDS = 1.0
"""Between two times that a worker publishes what it has counted: a killed one loses no more."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Stands for what clients make up, of which there is no end: methods, paths without a route."""


class Histogram:
    """Counts values by the bucket that they fall into."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._bounds = family.bounds
        self.samples: dict[Labels, list[float]] = {}

    def observe(self, value: float, *labels: str) -> None:
        cells = self.samples.get(labels)
        if cells is None:
            cells = self.samples[labels] = [0.0] * (len(self._bounds) + 2)
        cells[0] += value
        cells[1 + bisect_left(self._bounds, value)] += 1


class Metrics:
    """The counters of this worker, and the way to those of the others."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._slot: Slot | None = None
        self._turn = asyncio.Lock()
        self._requests: dict[Labels, list[float]] = {}
        self._durations = Histogram(families.DURATION)
        self._lags = Histogram(families.LOOP_LAG)
        self._replica_lags = Histogram(families.REPLICA_LAG)

    def count(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request by the template of its route."""
        method, route = method if method in METHODS else OTHER, route or OTHER
        labels = (method, route, str(status))
        cell = self._requests.get(labels)
        if cell is None:
            cell = self._requests[labels] = [0.0]
        cell[0] += 1
        self._durations.observe(seconds, method, route)

    def observe_lag(self, seconds: float) -> None:
        """Count a look at the event loop, which came so much too late."""
        self._lags.observe(seconds)

    def observe_replica_lag(self, seconds: float) -> None:
        """Count a look at the replica, which was so far behind."""
        self._replica_lags.observe(seconds)

    def read_own(self, runtime: "Runtime") -> Readings:
        """Return what this worker has counted, and those that had its slot before."""
        own = Readings()
        own.values = {
            families.REQUESTS.name: self._requests,
            families.DURATION.name: self._durations.samples,
            families.LOOP_LAG.name: self._lags.samples,
            families.REPLICA_LAG.name: self._replica_lags.samples,
        }
        _read_gates(own, runtime)
        _read_pools(own, runtime)
        _read_replica(own, runtime)
        for sqlstate, number in errors_by_sqlstate().items():
            own.set(families.DATABASE_ERRORS, number, sqlstate)
        own.set(families.WORKERS, 1)
        if (memory := memory_of_process()) is not None:
            own.set(families.MEMORY, memory)
        total = Readings()  # a copy, too, that goes to a thread
        total.add(own)
        if self._slot is not None:
            total.add(self._slot.inherited)
        return total

    async def read(self, runtime: "Runtime") -> Readings:
        """Return what all workers of this server have counted.

        This worker publishes first: whichever is asked next must not know less.
        """
        if self._slot is None:
            return self.read_own(runtime)
        await self._publish_or_tell(self._slot, runtime)
        return await asyncio.to_thread(self._slot.read_all)

    @asynccontextmanager
    async def sharing(self, runtime: "Runtime") -> AsyncIterator[None]:
        """Publish meanwhile, again and again, if there is a folder for it."""
        if self._directory is None:
            yield
            return
        slot = self._slot = await asyncio.to_thread(Slot, self._directory)
        self._turn = asyncio.Lock()  # of this loop
        publishing = asyncio.create_task(self._publish_on(slot, runtime), name="metrics")
        try:
            yield
        finally:
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing
            await self._publish_or_tell(slot, runtime)
            self._slot = None
            slot.close()

    async def _publish_on(self, slot: Slot, runtime: "Runtime") -> None:
        while True:
            await self._publish_or_tell(slot, runtime)
            await asyncio.sleep(SECONDS)

    async def _publish_or_tell(self, slot: Slot, runtime: "Runtime") -> None:
        try:
            await self._publish(slot, runtime)
        except OSError as error:  # a full disk; the next time may go well
            logger.warning("Metrics could not be published: {}", error.strerror)

    async def _publish(self, slot: Slot, runtime: "Runtime") -> None:
        async with self._turn:  # an older state must not replace a newer one
            await asyncio.to_thread(slot.publish, self.read_own(runtime))


def _read_gates(own: Readings, runtime: "Runtime") -> None:
    for gate in (*runtime.lanes, runtime.async_gate):
        gauges = gate.gauges()
        own.set(families.LANE_TOKENS, gauges.tokens, gate.name)
        own.set(families.LANE_RUNNING, gauges.running, gate.name)
        own.set(families.LANE_WAITING, gauges.waiting, gate.name)
        own.set(families.LANE_COMPLETED, gauges.completed, gate.name)
        own.set(families.LANE_SHED, gauges.shed, gate.name)
        own.set(families.LANE_WAIT, gauges.wait_seconds, gate.name)


def _read_pools(own: Readings, runtime: "Runtime") -> None:
    pools: dict[str, Any] = {
        "sync": runtime.database.engine.pool,
        "async": runtime.async_database.engine.pool,
    }
    if runtime.replica is not None:
        pools["replica"] = runtime.replica.replica.engine.pool
    for name, pool in pools.items():
        own.set(families.POOL_SIZE, pool.size(), name)
        own.set(families.POOL_IN_USE, pool.checkedout(), name)


def _read_replica(own: Readings, runtime: "Runtime") -> None:
    replica = runtime.replica
    if replica is None:
        return
    own.set(families.REPLICA_USED, float(replica.is_used))
    for labels, number in replica.answered.items():
        own.set(families.REPLICA_READS, number, *labels)

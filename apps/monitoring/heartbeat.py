"""What a worker tells of itself, and how often.

It goes through a connection outside the pool, in the lane of the health probes: a worker whose
pool and lanes are full is the one that staff have to see.
"""

import asyncio
import os
import socket
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from loguru import logger
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from apps.monitoring import services
from apps.monitoring.models import HOST_LENGTH
from project.errors import Unavailable
from project.runtime import Runtime
from project.web.lanes import PROBE
from project.web.vitals import memory_of_process

FAREWELL = 2.0
"""Seconds that the last word of a worker may take."""


class Heart:
    """Beats as long as its worker lives."""

    def __init__(self, runtime: Runtime, seconds: float) -> None:
        self._runtime = runtime
        self._seconds = seconds
        self._id = uuid.uuid4()
        self._started_at = datetime.now(UTC)
        self._is_unheard = False

    async def beat_on(self) -> None:
        """Give a sign of life now, and again and again until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(self._seconds)

    async def beat(self) -> None:
        """Give a sign of life; a database that cannot be reached is noted once, then again."""
        try:
            await self._write(
                partial(
                    services.keep_alive,
                    worker_id=self._id,
                    host=socket.gethostname()[:HOST_LENGTH],
                    pid=os.getpid(),
                    started_at=self._started_at,
                    state=describe(self._runtime),
                )
            )
        except Exception as error:  # noqa: BLE001 - the next beat may come through
            if not self._is_unheard:
                # A database that is away says enough by its name; a bug has to show where it is.
                is_foreseen = isinstance(error, SQLAlchemyError | Unavailable)
                logger.opt(exception=None if is_foreseen else error).warning(
                    "No sign of life could be written: {}", type(error).__name__
                )
            self._is_unheard = True
        else:
            self._is_unheard = False

    async def retire(self) -> None:
        """Say that this worker has ended; who cannot be told will notice."""
        try:
            async with asyncio.timeout(FAREWELL):
                await self._write(partial(services.retire, worker_id=self._id))
        except (SQLAlchemyError, Unavailable, TimeoutError) as error:
            logger.info("The end of this worker could not be written: {}", type(error).__name__)

    async def _write(self, work: Callable[[Connection], None]) -> None:
        await self._runtime.lanes[PROBE].run(_connect_and, work, self._runtime)


def _connect_and(work: Callable[[Connection], None], runtime: Runtime) -> None:
    with runtime.database.probe() as connection, connection.begin():
        work(connection)


def describe(runtime: Runtime) -> dict[str, Any]:
    """Return what a worker does now, as JSON: lanes, pool, pace (times in seconds), memory."""
    pool: Any = runtime.database.engine.pool
    pace = runtime.vitals.read()
    gates = [*runtime.lanes, runtime.async_gate]
    return {
        "lanes": {gate.name: gate.gauges()._asdict() for gate in gates},
        "pool": {"size": pool.size(), "in_use": pool.checkedout()},
        "memory": memory_of_process(),
        **pace._asdict(),
    }

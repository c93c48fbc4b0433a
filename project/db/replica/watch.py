"""How far behind the replica is, found out without comparing clocks.

The primary is asked four times a second where its log ends, and the moment is remembered; the
replica, how far it has replayed. What lies between the last moment that it has replayed and the
newest is its lag. So a primary on which nothing happens makes no lag, and neither a replica that
has lost its primary nor one that only receives is mistaken for one that is up to date.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf, isfinite
from time import monotonic
from typing import Any, Literal

import psycopg
from loguru import logger
from sqlalchemy import Engine

from project.db.replica.positions import parse_position
from project.db.replica.server import CONNECT_TIMEOUT, Line

Refusal = Literal["down", "not a standby", "another database", "lag", "position"]
"""Why the replica is not asked: nobody has heard of it for a while, or it is none, or too old."""

INTERVAL = 0.25
"""Seconds between two looks: a write is read on the replica about that much later."""

PATIENCE = 1.0
"""Seconds in which a look has its answer."""

FRESH = INTERVAL + PATIENCE + 0.25
"""Seconds after which nothing is known any more."""

REMEMBERED = 2_400
"""Moments on the primary: ten minutes."""

OF_PRIMARY = """
SELECT (SELECT system_identifier FROM pg_control_system()), pg_current_wal_flush_lsn()::text
"""
OF_REPLICA = """
SELECT (SELECT system_identifier FROM pg_control_system()), pg_last_wal_replay_lsn()::text,
       pg_is_in_recovery()
"""


class Question:
    """One question to one server, on a connection of its own, outside every pool."""

    def __init__(self, engine: Engine, statement: str) -> None:
        self._engine = engine
        self._statement = statement
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def ask(self) -> tuple[Any, ...]:
        """Return the row that answers it.

        Raises psycopg.Error within PATIENCE, or CONNECT_TIMEOUT where it has to connect. psycopg
        itself waits for a frozen server even when it is cancelled.
        """
        asking = asyncio.ensure_future(self._ask())
        try:
            await asyncio.wait({asking}, timeout=PATIENCE)
            if not asking.done():
                self._cut()
            return await asking
        except BaseException:
            await self._abandon(asking)
            raise

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _ask(self) -> tuple[Any, ...]:
        if self._connection is None:
            self._connection = await self._connect()
        cursor = await self._connection.execute(self._statement)
        row = await cursor.fetchone()
        assert row is not None  # noqa: S101 - a SELECT of functions has one
        return tuple(row)

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        _, arguments = self._engine.dialect.create_connect_args(self._engine.url)
        own = {
            "application_name": f"{arguments.pop('application_name', 'lintel')} watch",
            "connect_timeout": CONNECT_TIMEOUT,
            "autocommit": True,
            "prepare_threshold": None,  # a pooler may stand before it
        }
        return await psycopg.AsyncConnection.connect(**{**arguments, **own})

    async def _abandon(self, asking: "asyncio.Future[tuple[Any, ...]]") -> None:
        if self._connection is None:
            asking.cancel()
        self._cut()
        with suppress(asyncio.CancelledError, psycopg.Error, OSError):
            await asking
        await self.close()

    def _cut(self) -> None:
        if self._connection is not None and not self._connection.closed:
            line = Line(self._connection.fileno())
            line.cut()
            line.close()


class Watch:
    """What is known of the replica. Used on the event loop alone.

    `on_lag` is told the lag, in seconds, at each look at the replica.
    """

    def __init__(self, *, max_lag: float, on_lag: Callable[[float], None] = lambda _: None) -> None:
        self._max_lag = max_lag
        self._on_lag = on_lag
        self._moments: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)
        self._caught_up = -inf
        """The last moment on the primary that the replica is known to have replayed."""

        self._primary_id: int | None = None
        self._replica_id: int | None = None
        self._is_standby = False
        self._seen = -inf
        self._replayed = 0
        self._noticed: str | None = None
        self._reported: str | None = None

    @property
    def lag(self) -> float:
        """Seconds by which the replica is behind what is known of the primary.

        While the primary is gone nothing can be newer than what was seen of it last.
        """
        return self._moments[-1][0] - self._caught_up if self._moments else 0.0

    def refusal(self, position: int | None = None) -> Refusal | None:
        """Return why not to ask the replica, for whoever has written up to `position`; or None."""
        if monotonic() - self._seen > FRESH or self._primary_id is None:
            return "down"
        if not self._is_standby:
            return "not a standby"
        if self._replica_id != self._primary_id:
            return "another database"
        if self.lag > self._max_lag:
            return "lag"
        if position is not None and position > self._replayed:
            return "position"
        return None

    async def run(self, primary: Engine, replica: Engine) -> None:
        """Look at both until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_on(Question(primary, OF_PRIMARY), self.note_primary))
            group.create_task(self._look_on(Question(replica, OF_REPLICA), self.note_replica))

    async def _look_on(self, question: Question, note: Callable[..., None]) -> None:
        try:
            while True:
                asked_at = monotonic()
                try:
                    note(*await question.ask(), asked_at=asked_at)
                except (psycopg.Error, OSError) as error:
                    logger.debug("A look at the replica failed", reason=type(error).__name__)
                except Exception:  # noqa: BLE001 - the replica would never be used again
                    logger.exception("A look at the replica failed")
                self._report()
                await asyncio.sleep(INTERVAL)
        finally:
            await question.close()

    def note_primary(self, identifier: int, end: str, *, asked_at: float) -> None:
        """Remember where the primary's log ended, at least, at this moment."""
        self._primary_id = identifier
        self._moments.append((asked_at, parse_position(end)))

    def note_replica(
        self, identifier: int, replayed: str | None, is_standby: bool, *, asked_at: float
    ) -> None:
        """Remember how far the replica was."""
        self._replica_id, self._is_standby, self._seen = identifier, is_standby, asked_at
        self._replayed = parse_position(replayed) if replayed is not None else 0
        while self._moments and self._moments[0][1] <= self._replayed:
            self._caught_up = self._moments.popleft()[0]
        if isfinite(self.lag):
            self._on_lag(self.lag)

    def _report(self) -> None:
        """Say in the log that the replica is used, or is not: what two looks in a row agree on."""
        refusal = self.refusal() or ""
        if refusal == self._noticed and refusal != self._reported:
            if refusal:
                logger.warning("The replica answers no reads: {}", refusal)
            else:
                logger.info("The replica answers reads")
            self._reported = refusal
        self._noticed = refusal

"""Reads that the replica answers, and the primary wherever it cannot.

Whatever goes wrong with the replica, the client never hears of it: the work is done once more,
on the primary, after `DATABASE_REPLICA_TIMEOUT` and a second at most. The replica has a lane of
its own, so that threads which wait for it take none from the primary.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from project.db.errors import DatabaseBusy, DatabaseUnavailable, diagnose
from project.db.replica.breaker import Breaker
from project.db.replica.server import Reading, Replica
from project.db.replica.watch import Refusal, Watch
from project.errors import DomainError
from project.settings import Settings
from project.web.gate import LaneFull
from project.web.lanes import REPLICA, Lanes

T = TypeVar("T")

GRACE = 1.0
"""Seconds beyond the timeout of a statement, after which nobody waits for the server's own word."""

Reason = Refusal | Literal["busy", "failed", "resting"]
"""Why the primary answers: `busy` is a full lane, `resting` the time after failures."""


class LeftOut(Exception):
    """The replica does not answer this one."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class ReplicaReads:
    """The replica as routes see it: its pool, its lane, and what is known of it."""

    def __init__(
        self, settings: Settings, lanes: Lanes, *, on_lag: Callable[[float], None]
    ) -> None:
        self.replica = Replica(settings.replica, settings.database)
        self.watch = Watch(max_lag=settings.replica.max_lag, on_lag=on_lag)
        self.breaker = Breaker()
        self.answered: Counter[tuple[str, str]] = Counter()
        """Reads by who answered them (`replica`, `primary`) and, of the primary's, why."""

        self._lane = lanes[REPLICA]
        self._seconds = settings.replica.timeout + GRACE

    async def run(self, work: Callable[[Reading], T], *, position: int | None) -> T:
        """Call `work(reading)` in the replica's lane, for whoever has written up to `position`.

        Raises LeftOut if the primary has to do it, and whatever else `work` raises.
        """
        answered = ("replica", "")
        try:
            return await self._try(work, position)
        except LeftOut as error:
            answered = ("primary", error.reason)
            raise
        finally:
            self.answered[answered] += 1

    @property
    def is_used(self) -> bool:
        """Whether it answers those who have written nothing lately."""
        return self.watch.refusal() is None and not self.breaker.is_open

    @asynccontextmanager
    async def watching(self, primary: Engine) -> AsyncIterator[None]:
        """Look meanwhile how far it is; close its pool at the end."""
        watching = asyncio.create_task(self.watch.run(primary, self.replica.engine))
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            self.replica.close()

    async def _try(self, work: Callable[[Reading], T], position: int | None) -> T:
        if (refusal := self.watch.refusal(position)) is not None:
            raise LeftOut(refusal)
        if not self.breaker.lets_through():
            raise LeftOut("resting")
        reading = self.replica.reading()
        try:
            async with asyncio.timeout(self._seconds) as deadline:
                result = await self._lane.run(work, reading)
        except LaneFull as error:
            raise LeftOut("busy") from error
        except DomainError:  # an answer, too: nothing is there, say
            self.breaker.succeed()
            raise
        except DBAPIError as error:
            self._judge(error)
            raise LeftOut("failed") from error
        except BaseException as error:
            reading.cut()
            if not deadline.expired():
                raise
            self.breaker.fail(is_certain=True)
            raise LeftOut("failed") from error
        self.breaker.succeed()
        return result

    def _judge(self, error: DBAPIError) -> None:
        """Count against the replica what it is to blame for.

        A statement that stood in the way of what is replayed says nothing about the next one,
        one that is wrong is wrong everywhere, and one that took too long may be slow everywhere.
        """
        found = diagnose(error)
        if found is not None and isinstance(found.error, DatabaseUnavailable | DatabaseBusy):
            self.breaker.fail(is_certain=isinstance(found.error, DatabaseUnavailable))

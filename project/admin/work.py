"""How the admin reaches the database."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from anyio import CapacityLimiter, fail_after
from sqlalchemy.orm import Session

from project.runtime import Runtime
from project.web.gate import LaneFull
from project.web.transaction import Transactions

P = ParamSpec("P")
T = TypeVar("T")

SHARE = 2
"""Connections that the admin may hold at a time, out of the pool that all share."""


LONGEST = 600.0
"""Seconds that one export may hold a connection, where there are others."""


class AdminWork:
    """One hop, one transaction, and never more than a share of the database lane.

    Staff open heavy pages: lists of a million rows, searches without an index. A pool of
    their own would cost each worker connections that stand idle most of the day. So the
    admin uses the common pool, and this gate in front of the lane keeps the rest of it
    free for everybody else.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._lane = runtime.lanes.database
        self._transactions = Transactions(runtime)
        self._share = CapacityLimiter(max(1, min(SHARE, self._lane.size - 1)))

    async def run(
        self, work: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call `work(session, …)` in a transaction; committed when this returns.

        Raises LaneFull, as the lane does, when the queue is too long or too slow.
        """
        owner = object()
        await self._take_share(owner)
        hop = asyncio.ensure_future(self._transactions.run(work, *args, **kwargs))
        # When the hop ends, not when its caller does: a thread runs on for one who has gone.
        hop.add_done_callback(lambda _: self._share.release_on_behalf_of(owner))
        return await asyncio.shield(hop)

    async def run_long(
        self, work: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call work of minutes; beside the share if there is but one, which pages need."""
        if self._share.total_tokens > 1:
            return await self.run(work, *args, **kwargs)
        return await asyncio.shield(
            asyncio.ensure_future(self._transactions.run(work, *args, **kwargs))
        )

    @property
    def longest(self) -> float:
        """Seconds that such work may hold a connection; the only one, while others still wait."""
        return LONGEST if self._lane.size > 1 else self._lane.queue_timeout / 2

    async def _take_share(self, owner: object) -> None:
        if self._share.statistics().tasks_waiting >= self._lane.queue_size:
            raise LaneFull
        try:
            with fail_after(self._lane.queue_timeout):
                await self._share.acquire_on_behalf_of(owner)
        except TimeoutError:
            raise LaneFull from None

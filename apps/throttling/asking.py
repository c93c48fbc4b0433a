"""Asks the database with little patience: whoever cannot be counted is let through.

A limiter that refused everybody while the database is away would be an outage of its own. But who
overloads a server must not get rid of it by that: where a password is tried, which needs the
database anyway, an answer that does not come in time is 503 (`is_strict`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from loguru import logger
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from project.errors import Unavailable
from project.runtime import Runtime
from project.web.gate import LaneFull

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

DEADLINE = 0.5
"""Seconds that an answer may take once it is a request's turn to ask."""

STRICT_DEADLINE = 5.0
"""The same where nobody is let through for being slow."""

REST = 1.0
"""Seconds in which nobody is asked after one who did not answer."""

REPORTS = 60.0
"""Seconds between two lines in the log."""


class Asking:
    """Runs one piece of work on a connection of the async pool; `unasked` counts what was not."""

    def __init__(self, *, is_strict: bool = False) -> None:
        self.unasked = 0
        self._is_strict = is_strict
        self._rests_until = 0.0
        self._reported_at = -REPORTS
        self._running: set[asyncio.Task[None]] = set()

    async def ask(
        self,
        runtime: Runtime,
        work: Work[T],
        *,
        shortcut: Callable[[], T | None] = lambda: None,
        afterwards: Work[None] | None = None,
    ) -> T | None:
        """Return what the work returned; None if the database did not say in time.

        `shortcut` may know the answer by the time it is this request's turn. `afterwards` is done
        on the same connection, when nobody waits any more. Raises LaneFull if too many wait, which
        is no fault of the database, and Unavailable if this is strict and takes too long.
        """
        if self._rests():
            self._count_unasked()
            return None
        loop, deadline = asyncio.get_running_loop(), self._deadline
        answer: asyncio.Future[T | None] = loop.create_future()

        async def run() -> None:
            async with runtime.async_gate:
                known = shortcut()
                if known is not None or self._rests():
                    _settle(answer, known)
                    if known is None:
                        self._count_unasked()
                    return
                timer = loop.call_later(deadline, _fail, answer, TimeoutError())
                try:
                    async with runtime.async_database.engine.connect() as connection:
                        _settle(answer, await work(connection))
                        if afterwards is not None:
                            await afterwards(connection)
                finally:
                    timer.cancel()

        task = asyncio.create_task(run())
        self._running.add(task)
        task.add_done_callback(lambda done: self._end(done, answer))
        try:
            return await answer
        except LaneFull:
            if not self._rests():
                raise
            self._count_unasked()
            return None
        except (SQLAlchemyError, OSError) as error:  # a TimeoutError is an OSError
            if self._is_strict and isinstance(error, TimeoutError):
                raise Unavailable from None
            self._rests_until = monotonic() + REST
            self._count_unasked(error)
            return None

    async def close(self) -> None:
        """End what nobody waits for any more, so that its connection is given back."""
        for task in (running := tuple(self._running)):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _end(self, task: "asyncio.Task[None]", answer: "asyncio.Future[T | None]") -> None:
        """Hand over what went wrong, if somebody still waits for it."""
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _fail(answer, error)
        elif not answer.done():
            answer.cancel()

    @property
    def _deadline(self) -> float:
        return STRICT_DEADLINE if self._is_strict else DEADLINE

    def _rests(self) -> bool:
        return monotonic() < self._rests_until

    def _count_unasked(self, error: Exception | None = None) -> None:
        self.unasked += 1
        if error is not None and monotonic() - self._reported_at >= REPORTS:
            self._reported_at = monotonic()
            logger.warning(
                "Nothing is throttled while the database does not answer: {}",
                type(error).__name__,
                unasked=self.unasked,
            )


def _settle(answer: "asyncio.Future[T | None]", result: T | None) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[T | None]", error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)

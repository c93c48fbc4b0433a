"""A transaction that lost to another one is run again.

PostgreSQL ends one of two transactions that wait for each other (40P01) and, above its default
isolation, one of two that cannot both have come first (40001). Neither is anybody's mistake,
and the same work usually succeeds a moment later. Only work that nobody has heard of yet can be
repeated, so this belongs to the edge that commits, never to a service.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from loguru import logger
from sqlalchemy.exc import DBAPIError

from project.db.errors import ConcurrentChange, diagnose

T = TypeVar("T")

ATTEMPTS = 3
"""Who loses so often meets a pattern, not bad luck: the client waits better than a thread."""

LONGEST_PAUSE = 0.008


def retry_conflicts(transaction: Callable[[], T]) -> T:
    """Run a whole transaction, up to ATTEMPTS times while it loses to others.

    `transaction` begins, works and commits, and puts back what it changed outside the
    database. Blocks its thread. The last loss is raised as it came.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return transaction()
        except DBAPIError as error:
            _raise_unless_lost(error, attempt)
        time.sleep(_pause(attempt))
    return transaction()


async def retry_conflicts_async(transaction: Callable[[], Awaitable[T]]) -> T:
    """Do the same for a transaction that is awaited."""
    for attempt in range(1, ATTEMPTS):
        try:
            return await transaction()
        except DBAPIError as error:
            _raise_unless_lost(error, attempt)
        await asyncio.sleep(_pause(attempt))
    return await transaction()


def _pause(attempt: int) -> float:
    """Choose how long to wait, in seconds.

    The winner needs a moment, and two losers must not meet again at the same one. A few
    milliseconds cost less than a second way through the queue; the connection is back in the
    pool meanwhile.
    """
    return random.uniform(0.001, LONGEST_PAUSE) * attempt  # noqa: S311 - no secret


def _raise_unless_lost(error: DBAPIError, attempt: int) -> None:
    diagnosis = diagnose(error)
    if diagnosis is None or not isinstance(diagnosis.error, ConcurrentChange):
        raise error
    logger.info(
        "A transaction lost to another one and runs again",
        sqlstate=diagnosis.sqlstate,
        attempt=attempt,
    )

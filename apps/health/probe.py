"""What orchestrators and people ask: a connection of its own, and a deadline of a second.

The probe does not stand in the queue for the pool, so a busy server is not a dead one.
"""

import asyncio
from collections.abc import Callable

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from project.db.migrations import pending_revisions
from project.errors import CommandError, Unavailable
from project.runtime import Runtime
from project.web.lanes import PROBE

DEADLINE = 1.0

Question = Callable[[Connection], bool]


async def is_database_reachable(runtime: Runtime) -> bool:
    """Whether the database answers within a second."""
    return await _ask(runtime, _answers)


async def is_ready(runtime: Runtime) -> bool:
    """Whether this process goes on, and the migrated database answers within a second."""
    return not runtime.vitals.is_ending and await _ask(runtime, _is_migrated)


async def _ask(runtime: Runtime, question: Question) -> bool:
    try:
        async with asyncio.timeout(DEADLINE):
            return await runtime.lanes[PROBE].run(_connect_and_ask, runtime, question)
    except (TimeoutError, SQLAlchemyError, Unavailable):
        return False


def _connect_and_ask(runtime: Runtime, question: Question) -> bool:
    with runtime.database.probe() as connection:
        return question(connection)


def _answers(connection: Connection) -> bool:
    return bool(connection.scalar(text("SELECT true")))


def _is_migrated(connection: Connection) -> bool:
    try:
        return not pending_revisions(connection)
    except CommandError:  # migrated by newer code, which is fine: old code passes on new schema
        return True

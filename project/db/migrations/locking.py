"""One process at a time migrates a database."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from project.errors import CommandError

# Any number that nobody else locks; "lintel" in ASCII.
MIGRATION_LOCK = 0x6C696E74656C
LOCK_DEADLINE = 120.0
LOCK_POLL = 0.25

Say = Callable[[str], None]


@contextmanager
def migration_lock(connection: Connection, say: Say) -> Iterator[None]:
    """Let one process at a time migrate this database; whoever waits is told for whom.

    The lock is polled for: a waiter inside `pg_advisory_lock` holds a snapshot, and then
    CREATE INDEX CONCURRENTLY in the winner deadlocks with it.
    """
    _wait_for_lock(connection, say)
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()


def _wait_for_lock(connection: Connection, say: Say) -> None:
    deadline = time.monotonic() + LOCK_DEADLINE
    is_told = False
    while not _try_lock(connection):
        if time.monotonic() > deadline:
            raise CommandError(
                f"{_holder(connection)} has been migrating for two minutes: look at it, or run "
                "this again when it is through."
            )
        if not is_told:
            say(f"{_holder(connection)} is migrating; waiting for it, two minutes at most.")
            is_told = True
        time.sleep(LOCK_POLL)


def _try_lock(connection: Connection) -> bool:
    query = text("SELECT pg_try_advisory_lock(:key)")
    locked = bool(connection.scalar(query, {"key": MIGRATION_LOCK}))
    connection.commit()
    return locked


def _holder(connection: Connection) -> str:
    """Name the process that has the lock; a bigint key is kept in two halves."""
    query = text(
        "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted "
        "AND l.classid = :high AND l.objid = :low AND l.objsubid = 1"
    )
    halves = {"high": MIGRATION_LOCK >> 32, "low": MIGRATION_LOCK & 0xFFFFFFFF}
    pid = connection.scalar(query, halves)
    connection.rollback()
    return f"Another process (pid {pid} of the server)" if pid else "Another process"

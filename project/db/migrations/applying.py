"""Running migrations, each in a transaction of its own, against tables that are in use.

A migration never queues for long behind a transaction, because every reader would queue behind
the migration: the server ends its wait after `DATABASE_LOCK_TIMEOUT`, it is rolled back, and
after a pause it is tried again.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError as AlembicError
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError

from project.db.migrations.history import alembic_config, head_revision
from project.db.migrations.locking import Say
from project.db.migrations.state import current_revision, invalid_indexes
from project.errors import CommandError

FIRST_PAUSE = 2.0
"""Seconds; each pause is twice the one before. Five attempts at 1.25 s of waiting take 36 s."""

# SQLSTATEs: the wait for a lock was ended by lock_timeout, or by the deadlock detector.
LOCK_REFUSED = {"55P03", "40P01"}
CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)
SHOWN_QUERY = 60

Step = Callable[[Config, str], None]


@dataclass
class _Watch:
    """What one attempt has done outside of a transaction."""

    is_outside: bool = False
    is_patient: bool = False


def upgrade(connection: Connection, target: str, *, attempts: int, say: Say) -> None:
    """Bring the database forwards to `target`. Raises CommandError, see `_run`."""
    _run(connection, command.upgrade, target, attempts=attempts, say=say)


def downgrade(connection: Connection, target: str, *, attempts: int, say: Say) -> None:
    """Take everything behind `target` back. Raises CommandError, see `_run`."""
    _run(connection, command.downgrade, target, attempts=attempts, say=say)


def stamp(connection: Connection, target: str) -> None:
    """Record that the database is at `target`, and run nothing."""
    command.stamp(alembic_config(connection), target)


def print_sql(target: str) -> None:
    """Print the way from nothing to `target`. Raises CommandError for one that is not there."""
    head_revision()  # refuses a history that has forked
    try:
        command.upgrade(alembic_config(), target, sql=True)
    except AlembicError as error:
        raise CommandError(f"{error}. `manage.py showmigrations` lists them.") from error


def _run(connection: Connection, step: Step, target: str, *, attempts: int, say: Say) -> None:
    """Run `step`, Alembic's upgrade or downgrade, to its end.

    Raises CommandError when a lock did not come free in `attempts` tries, and when a migration
    broke off outside of a transaction: what it did there stays, so it is not tried again.
    """
    tried = 0
    while True:
        before, tried = current_revision(connection), tried + 1
        connection.rollback()
        watch = _Watch()
        try:
            with _watched(connection, watch):
                step(alembic_config(connection, on_version_apply=_forget(watch)), target)
            return
        except Exception as error:
            connection.rollback()
            if watch.is_outside:
                raise _half_done(connection, error) from error
            if not isinstance(error, DBAPIError) or _sqlstate(error) not in LOCK_REFUSED:
                raise
            if current_revision(connection) != before:
                tried = 1  # those before it are through, and this is the first try of the next
            _pause_or_give_up(connection, error, tried, attempts, say)


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _pause_or_give_up(
    connection: Connection, error: DBAPIError, tried: int, attempts: int, say: Say
) -> None:
    user = _user_of(connection, error.statement or "")
    connection.rollback()
    if tried >= attempts:
        tries = "one try" if attempts == 1 else f"{attempts} tries"
        raise CommandError(
            f"{user} and did not become free in {tries}; nothing of this migration was applied. "
            "Run it again when that transaction is over, or end it."
        ) from error
    pause = FIRST_PAUSE * 2 ** (tried - 1)
    say(f"{user}, trying again in {pause:g} s (try {tried} of {attempts})")
    time.sleep(pause)


@contextmanager
def _watched(connection: Connection, watch: _Watch) -> Iterator[None]:
    """Note what runs outside of a transaction, and let what is CONCURRENT take its time.

    Such a statement waits for old transactions without holding up anybody, and one that is
    broken off leaves an INVALID index behind.
    """

    def prepare(connection: Connection, cursor: Any, statement: str, *_: object) -> None:
        is_outside = bool(getattr(connection.connection.driver_connection, "autocommit", False))
        watch.is_outside = watch.is_outside or is_outside
        is_patient = is_outside and CONCURRENTLY.search(statement) is not None
        if is_patient != watch.is_patient:
            cursor.execute("SET lock_timeout = 0" if is_patient else "RESET lock_timeout")
            watch.is_patient = is_patient

    event.listen(connection, "before_cursor_execute", prepare)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", prepare)


def _forget(watch: _Watch) -> Callable[..., None]:
    """Return what Alembic calls when a migration is through: the next one begins afresh."""

    def forget(**_: object) -> None:
        watch.is_outside = False

    return forget


def _half_done(connection: Connection, error: Exception) -> CommandError:
    said = str(error.orig) if isinstance(error, DBAPIError) else f"{type(error).__name__}: {error}"
    reason = said.partition("\n")[0]
    broken = invalid_indexes(connection)
    connection.rollback()
    mend = "Undo by hand what it did there, then migrate again."
    if broken:
        drops = "; ".join(f'DROP INDEX CONCURRENTLY "{name}"' for name in broken)
        mend = f"INVALID indexes are left: {drops}; then migrate again."
    return CommandError(
        f"The migration broke off in its autocommit_block, or after it ({reason}): what it "
        f"did there, outside of a transaction, stays. {mend}"
    )


def _user_of(connection: Connection, statement: str) -> str:
    """Say which table of the statement is in use, and by whom: the oldest transaction."""
    query = text(
        "SELECT c.relname, a.pid, a.state, a.query FROM pg_locks l "
        "JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' "
        "WHERE l.granted AND l.pid <> pg_backend_pid() AND a.datname = current_database() "
        "AND c.relkind IN ('r', 'p', 'm') "
        "AND (c.relname = ANY(:names) OR n.nspname = ANY(:schemas) OR c.oid IN "
        "(SELECT i.indrelid FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid "
        "WHERE x.relname = ANY(:names))) ORDER BY a.xact_start, c.relname LIMIT 1"
    )
    names = sorted(set(re.findall(r"\w+", statement)))
    schemas = names if statement.lstrip().upper().startswith("DROP SCHEMA") else []
    row = connection.execute(query, {"names": names, "schemas": schemas}).first()
    if row is None:  # it ended in the meantime
        return "A table was in use"
    asked = " ".join((row.query or "").split())
    shown = asked if len(asked) <= SHOWN_QUERY else f"{asked[:SHOWN_QUERY]}…"
    return f"{row.relname} is in use by pid {row.pid} ({row.state}: {shown})"

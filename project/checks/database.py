"""Checks of the pool, and of the database itself where it can be reached."""

import re
from collections.abc import Iterator

from sqlalchemy import Connection, QueuePool, make_url, text

from project.checks.framework import Problem, Subject, check, check_database
from project.db.migrations import hidden_files, pending_revisions, unclaimed_tables
from project.settings import ROOT, DatabaseSettings


@check("database")
def threads_match_connections(subject: Subject) -> Iterator[Problem]:
    """A thread without a connection waits for one that another thread may never give back."""
    pool = subject.runtime.database.engine.pool
    lane = subject.runtime.lanes.database
    if isinstance(pool, QueuePool) and (pool.size(), pool._max_overflow) != (lane.size, 0):  # noqa: SLF001 - there is no public name
        yield Problem(
            "database.E001",
            f"The database lane has {lane.size} threads for {pool.size()} connections "
            f"(overflow {pool._max_overflow}).",  # noqa: SLF001 - the same
            hint="Make both DATABASE_POOL_SIZE and leave max_overflow at 0.",
        )


@check("database")
def migrations_are_visible(_: Subject) -> Iterator[Problem]:
    """macOS leaves `._0001_initial.py` on disks of others, and Alembic would run it."""
    for path in hidden_files():
        yield Problem(
            "database.E005",
            "It is hidden, and no migration, but Alembic takes it for one.",
            hint="Delete it: `migrate` refuses to go on.",
            obj=path.relative_to(ROOT).as_posix(),
        )


@check_database("database")
def tables_have_models(_: Subject, connection: Connection) -> Iterator[Problem]:
    """What a removed app leaves stays until somebody decides."""
    for table in unclaimed_tables(connection):
        yield Problem(
            "database.W001",
            "No installed app has a model for this table.",
            hint="Install its app again, or drop it in a migration (makemigrations --empty).",
            obj=table,
        )


@check_database("database")
def migrations_are_applied(_: Subject, connection: Connection) -> Iterator[Problem]:
    pending = pending_revisions(connection)
    if pending:
        yield Problem(
            "database.W002",
            f"{len(pending)} migration(s) are pending, {pending[0]} first.",
            hint="Run `manage.py migrate`.",
        )


@check_database("database", deploy=True)
def pooled_deadlines_hold(subject: Subject, connection: Connection) -> Iterator[Problem]:
    """A pooler passes no options on, so whoever signs in through it has to have them."""
    if not subject.settings.database.direct_url:
        return
    role = make_url(str(subject.settings.database.url)).username
    for name, value in _wanted(subject.settings.database).items():
        there = str(connection.scalar(SET_FOR_ROLE, {"role": role, "name": name}) or "")
        if OFF.fullmatch(there.partition("=")[2]):
            yield Problem(
                "database.W005",
                f"Behind the pooler {name} is not set.",
                hint=f"ALTER DATABASE … SET {name} = '{value}' (or ALTER ROLE … SET).",
                obj=name,
            )


OFF = re.compile(r"(0[a-z]*)?")
"""A deadline of 0 is none."""

# As PostgreSQL weighs them: what is said of the role counts more than what is said of the database.
SET_FOR_ROLE = text(
    "SELECT option FROM pg_db_role_setting, unnest(setconfig) option "
    "WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) "
    "AND setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = :role)) "
    "AND lower(option) LIKE lower(:name || '=%') "
    "ORDER BY setrole <> 0 DESC, setdatabase <> 0 DESC LIMIT 1"
)


def _wanted(settings: DatabaseSettings) -> dict[str, str]:
    """Return what a connection past the pooler gets as options."""
    return {
        "statement_timeout": f"{settings.statement_timeout:g}s",
        "lock_timeout": f"{settings.lock_timeout:g}s",
        "idle_in_transaction_session_timeout": f"{settings.idle_in_transaction_timeout:g}s",
        "TimeZone": "UTC",
    }

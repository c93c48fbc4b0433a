"""Alembic, set up in pyproject.toml: one linear history for all apps."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError as AlembicError
from sqlalchemy import Connection, text

from project.db.base import Base
from project.errors import CommandError
from project.settings import ROOT

VERSION_TABLE = "alembic_version"

# Any number that nobody else locks; "lintel" in ASCII.
MIGRATION_LOCK = 0x6C696E74656C
LOCK_DEADLINE = 120.0
LOCK_POLL = 0.25


def alembic_config(connection: Connection | None = None) -> Config:
    """Return the configuration, with the connection that env.py shall use."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["connection"] = connection
    return config


@cache
def script_directory() -> ScriptDirectory:
    """Return the revisions on disk, read once a process."""
    return ScriptDirectory.from_config(alembic_config())


def head_revision() -> str | None:
    """Return the newest revision. Raises CommandError if the history has forked."""
    _refuse_duplicates()
    heads = script_directory().get_heads()
    if len(heads) > 1:
        raise CommandError(
            f"The history has several heads ({', '.join(sorted(heads))}): point the "
            "down_revision of one of them to the other."
        )
    return heads[0] if heads else None


def find_revision(name: str) -> Script:
    """Return the revision of this name. Raises CommandError if there is none."""
    unknown = CommandError(f"There is no revision '{name}'. `manage.py showmigrations` lists them.")
    try:
        script = script_directory().get_revision(name) if name else None
    except AlembicError as error:
        raise unknown from error
    if script is None:
        raise unknown
    return script


def next_revision() -> str:
    """Return the number of the next migration, "0007" say."""
    head = head_revision()
    return f"{int(head) + 1 if head else 1:04d}"


def _refuse_duplicates() -> None:
    """Two branches may each have added an 0007; Alembic would only warn and take one."""
    numbers = Counter(path.name.partition("_")[0] for path in _version_files())
    doubles = [number for number, count in numbers.items() if count > 1]
    if doubles:
        raise CommandError(
            f"Two migrations are numbered {doubles[0]}: give the later one the next number, in "
            "its file name, in `revision`, and let its `down_revision` name the other."
        )


def _version_files() -> list[Path]:
    return sorted((ROOT / "migrations" / "versions").glob("[0-9]*.py"))


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at; None if it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def pending_revisions(connection: Connection) -> list[str]:
    """Return the revisions that the database lacks, oldest first.

    Raises CommandError if the database is at a revision that is not on disk.
    """
    head = head_revision()  # first of all, because it refuses a history that has forked
    current = current_revision(connection)
    script = script_directory()
    if current is not None and current not in {r.revision for r in script.walk_revisions()}:
        raise CommandError(
            f"The database is at revision {current}, which this code does not have: it was "
            "migrated by newer code. Deploy that, or restore."
        )
    if head is None or head == current:
        return []
    return [r.revision for r in reversed(list(script.iterate_revisions(head, current or "base")))]


def unclaimed_tables(connection: Connection) -> list[str]:
    """Return the tables of the schema `public` that no imported model declares, by name.

    A removed app leaves them. Partitions belong to their table, and what an extension made is
    the extension's.
    """
    names = connection.scalars(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
            "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e' AND d.objid = c.oid "
            "AND d.classid = 'pg_class'::regclass) ORDER BY c.relname"
        )
    )
    declared = {table.name for table in Base.metadata.tables.values()}
    return [name for name in names if name not in declared and name != VERSION_TABLE]


@contextmanager
def migration_lock(connection: Connection) -> Iterator[None]:
    """Let one process at a time migrate this database.

    The lock is polled for: a waiter inside `pg_advisory_lock` holds a snapshot, and then
    CREATE INDEX CONCURRENTLY in the winner deadlocks with it.
    """
    deadline = time.monotonic() + LOCK_DEADLINE
    while not _try_lock(connection):
        if time.monotonic() > deadline:
            raise CommandError("Another process has been migrating for two minutes; look at it.")
        time.sleep(LOCK_POLL)
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()


def _try_lock(connection: Connection) -> bool:
    query = text("SELECT pg_try_advisory_lock(:key)")
    locked = bool(connection.scalar(query, {"key": MIGRATION_LOCK}))
    connection.commit()
    return locked

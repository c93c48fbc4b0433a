"""How far a database is, and what is in it that should not be."""

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from project.db.base import Base
from project.db.migrations.history import head_revision, script_directory
from project.errors import CommandError

VERSION_TABLE = "alembic_version"


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


def invalid_indexes(connection: Connection) -> list[str]:
    """Return the indexes that CREATE INDEX CONCURRENTLY has left half-built, by name.

    One that is being built at this moment is not counted.
    """
    query = text(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE NOT i.indisvalid AND c.relkind = 'i' AND NOT EXISTS (SELECT FROM "
        "pg_stat_progress_create_index p WHERE p.index_relid = c.oid) ORDER BY c.relname"
    )
    return list(connection.scalars(query))

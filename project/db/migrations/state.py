"""How far a database is, and what is in it that should not be."""

from sqlalchemy import Connection, text

from project.db.migrations.history import all_revisions
from project.errors import CommandError

VERSION_TABLE = "alembic_version"


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at; None if it was never migrated."""
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": VERSION_TABLE}) is None:
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - our own name
    return revision


def pending_revisions(connection: Connection) -> list[str]:
    """Return the revisions that the database lacks, oldest first.

    Raises CommandError if the database is at a revision that is not on disk.
    """
    revisions = [found.revision for found in all_revisions()]
    current = current_revision(connection)
    if current is not None and current not in revisions:
        raise CommandError(
            f"The database is at revision {current}, which this code does not have: it was "
            "migrated by newer code. Deploy that, or restore."
        )
    return revisions if current is None else revisions[revisions.index(current) + 1 :]


def unclaimed_tables(connection: Connection) -> list[str]:
    """Return the tables of the schema `public` that no imported model declares, by name.

    A removed app leaves them. Partitions belong to their table, and what an extension made is
    the extension's.
    """
    from project.db.base import Base  # noqa: PLC0415 - the ORM, to ask for a revision

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

"""Loading a great many rows at once: COPY, with the indexes built afterwards."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, sql
from sqlalchemy.orm import Session

from project.db.base import Base

# Below this, keeping the indexes up to date costs less than building them.
WORTH_REBUILDING = 50_000

# Unique indexes stay: they are what tells of a duplicate.
INDEXES_AND_FOREIGN_KEYS = """
    SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid = %(table)s::regclass AND NOT indisunique AND NOT indisexclusion
    UNION ALL
    SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
           format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s',
                  conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype = 'f'
"""

# Until its pending entries are sorted in, the planner shuns a GIN index.
SORT_PENDING_ENTRIES = """
    SELECT gin_clean_pending_list(pg_index.indexrelid) FROM pg_index
    JOIN pg_class ON pg_class.oid = pg_index.indexrelid
    JOIN pg_am ON pg_am.oid = pg_class.relam AND pg_am.amname = 'gin'
    WHERE pg_index.indrelid = %s::regclass
"""


def load_rows(
    session: Session, model: type[Base], columns: Iterable[str], lines: Iterable[str], *, count: int
) -> None:
    """Append `count` rows, given in COPY's text format with any number of lines per string.

    A large load takes the table's indexes and foreign keys away until the rows are in, which
    locks the table; all of it is one transaction, the caller's.
    """
    connection: Any = session.connection().connection.driver_connection
    table = model.__tablename__
    connection.execute("SET LOCAL statement_timeout = 0")
    if count >= max(WORTH_REBUILDING, _estimated_rows(connection, table)):
        with _without_indexes(connection, table):
            _copy(connection, table, columns, lines)
    else:
        _copy(connection, table, columns, lines)
    tell_planner(connection, table)


def tell_planner(connection: Connection, table: str) -> None:
    """Do at once what autovacuum would do a minute later; `table` is a name as SQL has it."""
    connection.execute(SORT_PENDING_ENTRIES, [table])
    connection.execute(b"ANALYZE " + table.encode())


def drop_indexes(connection: Connection, table: str) -> list[str]:
    """Drop a table's indexes and foreign keys; return the statements that make them again."""
    found = connection.execute(INDEXES_AND_FOREIGN_KEYS, {"table": table}).fetchall()
    for drop, _ in found:
        connection.execute(drop)
    return [create for _, create in found]


def build_indexes(connection: Connection, statements: Iterable[str]) -> None:
    """Make again what `drop_indexes` has dropped, in the same transaction."""
    connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for create in statements:
        connection.execute(create.encode())


def _copy(connection: Connection, table: str, columns: Iterable[str], lines: Iterable[str]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for line in lines:
            copy.write(line)


@contextmanager
def _without_indexes(connection: Connection, table: str) -> Iterator[None]:
    statements = drop_indexes(connection, table)
    yield
    build_indexes(connection, statements)


def _estimated_rows(connection: Connection, table: str) -> int:
    query = "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass"
    row = connection.execute(query, [table]).fetchone()
    return int(row[0]) if row else 0

"""Triggers of tables that go, and the functions that nothing else calls by a trigger.

A table takes its triggers along; their functions would stay for ever.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from alembic.operations import ops
from sqlalchemy import Connection, Table, text

BIND = re.compile(r"(?<![:\w\\]):(?=\w)")
"""What SQLAlchemy would take for a value to fill in."""

TRIGGERS = text("""
    SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
        AND c.relname = ANY(:names)
    ORDER BY c.relname, t.tgname
""")
FUNCTIONS = text("""
    SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) FROM pg_proc p
    WHERE EXISTS (
        SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE t.tgfoid = p.oid AND NOT t.tgisinternal
            AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
    ) AND NOT EXISTS (
        SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE t.tgfoid = p.oid AND NOT (
            c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
        )
    ) AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
    ORDER BY 1
""")


@dataclass(frozen=True)
class Triggers:
    """Statements that drop what tables leave behind, and those that make all of it again."""

    drop: Sequence[ops.ExecuteSQLOp]
    make: Sequence[ops.ExecuteSQLOp]


def read_triggers(connection: Connection, tables: Sequence[Table]) -> Triggers:
    """Read the triggers of some tables from the database: no model knows them."""
    names = {"names": [table.name for table in tables]}
    functions = connection.execute(FUNCTIONS, names).all()
    triggers = connection.scalars(TRIGGERS, names).all()
    connection.rollback()
    return Triggers(
        [_execute(f"DROP FUNCTION {signature}") for signature, _ in functions],
        [_execute(made) for made in (*(made for _, made in functions), *triggers)],
    )


def _execute(statement: str) -> ops.ExecuteSQLOp:
    return ops.ExecuteSQLOp(BIND.sub(r"\\:", statement.rstrip()))

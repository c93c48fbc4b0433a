"""While a release goes out, code of before works on the schema of after; and so after a way back.

What the code of before knows is read from the database of its time: no migration is let in whose
schema differs from the models (`makemigrations --check`). Every statement that its models can make
names exactly these columns. What its Python does with them is not run here.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Uuid,
    create_engine,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from project.db.migrations import all_revisions
from project.db.migrations.applying import downgrade, upgrade
from tests.database import TestDatabase
from tests.processes import fresh_database

STEPS = [(r.down_revision, r.revision) for r in all_revisions() if r.down_revision]

CONTRACTIONS: dict[str, str] = {}
"""Migrations that end what code of before relies on, and which release stopped to."""

APPEND_ONLY = {"audit_change"}


@pytest.fixture
def engine(engine_database: TestDatabase) -> Iterator[Engine]:
    with fresh_database(engine_database.engine) as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


def go(engine: Engine, step: Any, revision: str) -> None:
    with engine.connect() as connection:
        step(connection, revision, attempts=1, say=print)


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_code_of_before_on_the_schema_of_after(engine: Engine, before: str, after: str) -> None:
    go(engine, upgrade, before)
    old = MetaData()
    old.reflect(engine)
    with engine.begin() as connection:
        use(connection, old)
    go(engine, upgrade, after)
    if after not in CONTRACTIONS:
        with engine.begin() as connection:
            use(connection, old)
    go(engine, downgrade, before)
    with engine.begin() as connection:
        kept = use(connection, old)
    assert set(kept.values()) <= {3}


def use(connection: Connection, old: MetaData) -> dict[str, int]:
    """Add a row to every table, read, change and count all of them, as old models would."""
    counts = {}
    for table in old.sorted_tables:
        if table.name == "alembic_version":
            continue
        connection.execute(table.insert().values(values_for(connection, table)))
        rows = connection.execute(select(table)).mappings().all()
        if table.name not in APPEND_ONLY:
            same = {column.name: rows[0][column.name] for column in changeable(table)}
            connection.execute(table.update().values(same).where(identified(table, rows[0])))
        counts[table.name] = len(rows)
    return counts


def changeable(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.computed is None and not column.identity]


def identified(table: Table, row: Any) -> Any:
    conditions = [column == row[column.name] for column in table.primary_key.columns]
    condition = conditions[0]
    for further in conditions[1:]:
        condition &= further
    return condition


def values_for(connection: Connection, table: Table) -> dict[str, Any]:
    """Give what has to be given: what is neither null nor filled in by the database."""
    number = len(connection.execute(select(table)).all()) + 1
    return {
        column.name: value_for(connection, column, number)
        for column in table.columns
        if isinstance(column.identity, Identity) is False
        and column.computed is None
        and column.server_default is None
        and not column.nullable
    }


def value_for(connection: Connection, column: Column[Any], number: int) -> Any:
    """Return a value of the column's type, another one for each row; keys refer to the newest."""
    for key in column.foreign_keys:
        target = key.column
        return connection.scalar(select(target).order_by(target.desc()).limit(1))
    kinds: list[tuple[type, Any]] = [
        (Boolean, True),
        (Integer, number),
        (Numeric, number),
        (DateTime, datetime.now(UTC)),
        (LargeBinary, bytes([number]) * 32),
        (JSONB, {}),
        (Uuid, UUID(int=number)),
    ]
    for kind, value in kinds:
        if isinstance(column.type, kind):
            return value
    return str(number)

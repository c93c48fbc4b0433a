"""Constraints, indexes and sequences that are still called after what has been renamed."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from alembic.operations import ops
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Constraint,
    ForeignKeyConstraint,
    Index,
    Inspector,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    inspect,
    text,
)

LONGEST_NAME = 63
Named = Mapping[Hashable, str]


class Stale(NamedTuple):
    """What changes a name, and what changes it back."""

    forwards: ops.ExecuteSQLOp
    backwards: ops.ExecuteSQLOp


def find_stale_names(
    connection: Connection, metadata: MetaData, renamed: Mapping[str, str]
) -> list[Stale]:
    """Find what differs from the models in its name alone.

    `renamed` has the old name of each table that was renamed, by the new one: a check's text
    cannot be compared, so a check is known by the rest of its name.
    """
    inspector = inspect(connection)
    existing = set(inspector.get_table_names())
    tables = [table for table in metadata.sorted_tables if table.name in existing]
    return [stale for table in tables for stale in _of_table(connection, table, renamed)]


def _of_table(connection: Connection, table: Table, renamed: Mapping[str, str]) -> Iterator[Stale]:
    inspector = inspect(connection)
    quote = connection.dialect.identifier_preparer.quote
    pairs = (
        (_found_constraints(inspector, table.name), _declared_constraints(table, inspector)),
        (_found_checks(inspector, table, renamed), _declared_checks(table, inspector)),
    )
    for found, declared in pairs:
        for old, new in _differing(found, declared):
            yield _rename(f"ALTER TABLE {quote(table.name)} RENAME CONSTRAINT", old, new, quote)
    for old, new in _differing(
        _found_indexes(inspector, table), _declared_indexes(table, inspector)
    ):
        yield _swap("ALTER INDEX {} RENAME TO {}", quote(old), quote(new))
    for old, new in _sequences(connection, table):
        yield _swap("ALTER SEQUENCE {} RENAME TO {}", quote(old), quote(new))


def _rename(start: str, old: str, new: str, quote: Any) -> Stale:
    return _swap(start + " {} TO {}", quote(old), quote(new))


def _swap(statement: str, old: str, new: str) -> Stale:
    return Stale(
        ops.ExecuteSQLOp(statement.format(old, new)), ops.ExecuteSQLOp(statement.format(new, old))
    )


def _differing(found: Named, declared: Named) -> Iterator[tuple[str, str]]:
    for key, old in found.items():
        new = declared.get(key, old)
        if new != old and new not in found.values():
            yield old, new


def _found_constraints(inspector: Inspector, table: str) -> Named:
    key = inspector.get_pk_constraint(table)
    found: dict[Hashable, Any] = {("pk",): key["name"]} if key["constrained_columns"] else {}
    for unique in inspector.get_unique_constraints(table):
        found["uq", *unique["column_names"]] = unique["name"]
    for foreign in inspector.get_foreign_keys(table):
        found["fk", foreign["referred_table"], *foreign["constrained_columns"]] = foreign["name"]
    return found


def _declared_constraints(table: Table, inspector: Inspector) -> Named:
    declared: dict[Hashable, str] = {}
    for constraint in table.constraints:
        name = _name_of(constraint, inspector)
        if isinstance(constraint, PrimaryKeyConstraint):
            declared[("pk",)] = name
        elif isinstance(constraint, UniqueConstraint):
            declared["uq", *constraint.columns.keys()] = name
        elif isinstance(constraint, ForeignKeyConstraint):
            declared["fk", constraint.referred_table.name, *constraint.column_keys] = name
    return declared


def _found_checks(inspector: Inspector, table: Table, renamed: Mapping[str, str]) -> Named:
    old = renamed.get(table.name, table.name)
    names = [str(check["name"]) for check in inspector.get_check_constraints(table.name)]
    return {name.removeprefix(f"ck_{old}_"): name for name in names}


def _declared_checks(table: Table, inspector: Inspector) -> Named:
    checks = [each for each in table.constraints if isinstance(each, CheckConstraint)]
    names = [_name_of(check, inspector) for check in checks]
    return {name.removeprefix(f"ck_{table.name}_"): name for name in names}


def _found_indexes(inspector: Inspector, table: Table) -> Named:
    return {
        (index["unique"], *index["column_names"]): str(index["name"])
        for index in inspector.get_indexes(table.name)
        if "duplicates_constraint" not in index and None not in index["column_names"]
    }


def _declared_indexes(table: Table, inspector: Inspector) -> Named:
    return {
        (index.unique, *_column_names(index)): _name_of(index, inspector)
        for index in table.indexes
        if all(isinstance(expression, Column) for expression in index.expressions)
    }


def _column_names(index: Index) -> Iterable[str]:
    return [column.name for column in index.columns]


def _sequences(connection: Connection, table: Table) -> Iterator[tuple[str, str]]:
    """Yield the sequences of numbered columns that are not called as PostgreSQL would."""
    query = text(
        "SELECT c.relname FROM pg_class c WHERE c.oid = pg_get_serial_sequence(:table, :column)"
        "::regclass"
    )
    quote = connection.dialect.identifier_preparer.quote
    for column in table.columns:
        if column.identity is not None:
            place = {"table": quote(table.name), "column": column.name}
            found = connection.scalar(query, place)
            usual = f"{table.name}_{column.name}_seq"
            if found and found != usual and len(usual) <= LONGEST_NAME:
                yield found, usual


def _name_of(item: Constraint | Index, inspector: Inspector) -> str:
    """Return the name that the naming convention makes of it, cut to what the server takes."""
    preparer = inspector.dialect.identifier_preparer
    if isinstance(item, Index):
        return (preparer.format_index(item) or "").strip('"')
    return (preparer.format_constraint(item) or "").strip('"')

"""Renames, which a comparison of two schemas sees as something removed and something added.

Those that are meant are carried out in the transaction of the comparison, which is rolled back
in the end: the comparison that follows then sees what else has changed. Constraints and indexes
whose names follow the old one are renamed as well.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from alembic.autogenerate import produce_migrations, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, Inspector, MetaData, Table, inspect
from sqlalchemy.types import TypeEngine

from project.db.migrations.names import find_stale_names
from project.db.migrations.state import unclaimed_tables


class Rename(NamedTuple):
    """A table, or one of its columns, under its old and its new name."""

    table: str
    old: str
    new: str
    kind: str = ""
    """A column's type in SQL; empty for a table."""

    @property
    def is_table(self) -> bool:
        return not self.kind

    @property
    def question(self) -> str:
        if self.is_table:
            return f"Was the table {self.old} renamed to {self.new}?"
        return f"Was {self.table}.{self.old} renamed to {self.table}.{self.new} ({self.kind})?"

    @property
    def words(self) -> str:
        if self.is_table:
            return f"table {self.old} to {self.new}"
        return f"column {self.table}.{self.old} to {self.new}"

    @property
    def option(self) -> str:
        """How to say so on the command line."""
        return f"{self.old}:{self.new}" if self.is_table else f"{self.table}.{self.old}:{self.new}"


Decide = Callable[[Rename], bool]


class Renamed(NamedTuple):
    """What the comparison found once the renames were carried out, and these themselves."""

    renames: list[Rename]
    upgrade: list[MigrateOperation]
    downgrade: list[MigrateOperation]
    script: ops.MigrationScript


def carry_out_renames(
    context: MigrationContext,
    script: ops.MigrationScript,
    decide: Decide,
    wanted: Collection[str] = (),
) -> Renamed:
    """Carry out those renames that `decide` agrees to, and compare anew; tables come first.

    `wanted` names, in the form of `Rename.option`, those that are proposed even though the types
    differ.
    """
    metadata: MetaData = context.opts["target_metadata"]
    result, asked = Renamed([], [], [], script), set[Rename]()
    while meant := _next_meant(context, result, decide, wanted, asked):
        result.renames.append(meant)
        _invoke(context, result, _operations(meant, metadata))
        result = _compared(context, result)
    if result.renames:
        tables = {rename.new: rename.old for rename in result.renames if rename.is_table}
        _invoke(context, result, find_stale_names(connection_of(context), metadata, tables))
        result = _compared(context, result)
    return result


def _next_meant(
    context: MigrationContext,
    result: Renamed,
    decide: Decide,
    wanted: Collection[str],
    asked: set[Rename],
) -> Rename | None:
    """Decide without a transaction: whoever is asked takes time, and a rename locks its table."""
    found = [each for each in find_renames(context, result.script, wanted) if each not in asked]
    if not found:
        return None
    connection_of(context).rollback()
    meant = None
    for rename in found:
        asked.add(rename)
        if decide(rename):
            meant = rename
            break
    operations = Operations(context)
    for agreed in result.upgrade:
        operations.invoke(agreed)
    return meant


def _compared(context: MigrationContext, result: Renamed) -> Renamed:
    script = produce_migrations(context, context.opts["target_metadata"])
    return result._replace(script=script)


def find_renames(
    context: MigrationContext, script: ops.MigrationScript, wanted: Collection[str] = ()
) -> Iterator[Rename]:
    """Yield what may have been renamed: tables of the same columns, columns of the same type."""
    inspector = inspect(connection_of(context))
    for added in _added_tables(script):
        for old in unclaimed_tables(connection_of(context)):
            rename = Rename(added.name, old, added.name)
            is_alike = _columns_of(inspector, old, context) == _shape(added.columns, context)
            if is_alike or rename.option in wanted:
                yield rename
    for name, lost, gained in _changed_columns(script):
        for new in gained:
            for column in lost:
                rename = Rename(name, column.name, new.name, _type_of(new.type, context))
                if _type_of(column.type, context) == rename.kind or rename.option in wanted:
                    yield rename


def connection_of(context: MigrationContext) -> Connection:
    """Return the connection of a context that has one."""
    if context.connection is None:
        raise TypeError("There is nothing to compare with: the context is offline.")
    return context.connection


def _added_tables(script: ops.MigrationScript) -> list[Table]:
    return [
        operation.to_table()
        for operation in script.upgrade_ops_list[-1].ops
        if isinstance(operation, ops.CreateTableOp)
    ]


def _changed_columns(
    script: ops.MigrationScript,
) -> Iterator[tuple[str, list[Column[Any]], list[Column[Any]]]]:
    """Yield each table that both loses and gains columns, with them."""
    for changed in script.upgrade_ops_list[-1].ops:
        if isinstance(changed, ops.ModifyTableOps):
            lost = [op.to_column() for op in changed.ops if isinstance(op, ops.DropColumnOp)]
            gained = [op.column for op in changed.ops if isinstance(op, ops.AddColumnOp)]
            yield changed.table_name, lost, gained


def _shape(columns: Iterable[Column[Any]], context: MigrationContext) -> set[tuple[str, str]]:
    return {(column.name, _type_of(column.type, context)) for column in columns}


def _columns_of(
    inspector: Inspector, table: str, context: MigrationContext
) -> set[tuple[str, str]]:
    found = inspector.get_columns(table)
    return {(column["name"], _type_of(column["type"], context)) for column in found}


def _type_of(kind: TypeEngine[Any], context: MigrationContext) -> str:
    return kind.compile(dialect=context.dialect)


Pair = tuple[MigrateOperation, MigrateOperation]


def _operations(rename: Rename, metadata: MetaData) -> list[Pair]:
    if rename.is_table:
        return [
            (ops.RenameTableOp(rename.old, rename.new), ops.RenameTableOp(rename.new, rename.old))
        ]
    column = metadata.tables[rename.table].columns[rename.new]
    forwards, backwards = (
        ops.AlterColumnOp(rename.table, old, modify_name=new, existing_type=column.type)
        for old, new in ((rename.old, rename.new), (rename.new, rename.old))
    )
    return [(forwards, backwards)]


def _invoke(context: MigrationContext, result: Renamed, pairs: Iterable[Pair]) -> None:
    operations = Operations(context)
    for forwards, backwards in pairs:
        operations.invoke(forwards)
        result.upgrade.append(forwards)
        result.downgrade.insert(0, backwards)


@renderers.dispatch_for(ops.RenameTableOp)
def _render_rename(_: AutogenContext, operation: ops.RenameTableOp) -> str:
    return f"op.rename_table({operation.table_name!r}, {operation.new_table_name!r})"

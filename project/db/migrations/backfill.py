"""New columns that may not be NULL, in tables that may have rows."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from alembic.operations import MigrateOperation, ops
from sqlalchemy import Column, text


class Required(NamedTuple):
    """A column that existing rows need a value for, and that nothing gives them."""

    table: str
    column: str

    @property
    def place(self) -> str:
        return f"{self.table}.{self.column}"


Default = Callable[[Required], str | None]


def fill_required_columns(script: ops.MigrationScript, default: Default) -> None:
    """Give each new required column the default, an SQL expression, for the rows that exist.

    It is taken away again at once: the models know of none. `default` may return None, and then
    the migration stays as it is: it fails where the table has rows.
    """
    for changed in script.upgrade_ops_list[-1].ops:
        if isinstance(changed, ops.ModifyTableOps):
            filled = [part for op in changed.ops for part in _filled(op, changed, default)]
            changed.ops[:] = filled


def _filled(
    operation: MigrateOperation, changed: ops.ModifyTableOps, default: Default
) -> Iterator[MigrateOperation]:
    if not isinstance(operation, ops.AddColumnOp) or not _is_required(operation.column):
        yield operation
        return
    column = operation.column
    expression = default(Required(changed.table_name, column.name))
    if expression is None:
        yield operation
        return
    made = Column(column.name, column.type, server_default=text(expression), nullable=False)
    yield ops.AddColumnOp(changed.table_name, made)
    yield ops.AlterColumnOp(
        changed.table_name, column.name, modify_server_default=None, existing_type=column.type
    )


def _is_required(column: Column[Any]) -> bool:
    given = (column.server_default, column.identity, column.computed)
    return not column.nullable and all(each is None for each in given)

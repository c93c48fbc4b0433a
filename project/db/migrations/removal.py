"""The migration that drops the tables of an app, and can make them again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic.operations import MigrateOperation, ops
from sqlalchemy import Connection, Table
from sqlalchemy.orm import DeclarativeBase

from project.apps import AppConfig, Registry
from project.db.migrations.history import next_revision
from project.db.migrations.triggers import read_triggers
from project.db.migrations.writing import write_revision
from project.errors import CommandError

UPGRADE = "def upgrade() -> None:\n"
ALLOWANCE = "    # lint: allow {rule} -- the app is uninstalled: deploy that first, then migrate\n"


def tables_of(app: AppConfig, registry: Registry, base: type[DeclarativeBase]) -> list[Table]:
    """Return the app's tables, those that refer to others last.

    A table without a model, between two of them, is known by its name: `items_extra_tag` belongs
    to the app `items_extra`, if there is one.
    """
    owners = {
        table: mapper.class_.__module__
        for mapper in base.registry.mappers
        for table in mapper.tables
    }
    return [
        table
        for table in base.metadata.sorted_tables
        if owners.get(table, "").startswith(f"{app.package}.")
        or (table not in owners and registry.owner_of(table.name) == app.label)
    ]


def write_removal(connection: Connection, label: str, tables: Sequence[Table]) -> Path:
    """Write the migration; `tables` has those that refer to others last."""

    triggers = read_triggers(connection, tables)

    def process(_: Any, __: Any, scripts: list[ops.MigrationScript]) -> None:
        made = [operation for table in tables for operation in _creation(table)]
        # A table takes its indexes along.
        dropped = [ops.DropTableOp.from_table(table) for table in reversed(tables)]
        scripts[0].upgrade_ops_list[-1].ops[:] = [*dropped, *triggers.drop]
        scripts[0].downgrade_ops_list[-1].ops[:] = [*made, *triggers.make]

    path = write_revision(connection, f"drop {label}", next_revision(), process)
    if path is None:
        raise CommandError("No migration was written: there is nothing to drop.")
    rules = ["ban-drop-table"] + ["ban-drop-function"] * bool(triggers.drop)
    allowed = "".join(ALLOWANCE.format(rule=rule) for rule in rules)
    script = path.read_text("utf-8")
    path.write_text(script.replace(UPGRADE, UPGRADE + allowed, 1), "utf-8")
    return path


def _creation(table: Table) -> list[MigrateOperation]:
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    return [
        ops.CreateTableOp.from_table(table),
        *(ops.CreateIndexOp.from_index(index) for index in indexes),
    ]

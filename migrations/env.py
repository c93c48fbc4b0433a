"""Alembic asks this file how to reach the database and what the models say."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.schema import SchemaItem

from project.apps import Registry
from project.db.base import Base
from project.management.environment import open_connection
from project.settings import INSTALLED_APPS, load_settings

registry = Registry.load(INSTALLED_APPS)
registry.import_models()

CHOSEN: frozenset[str] = context.config.attributes.get("labels", frozenset())
"""The apps whose tables are compared with the database; all of them where none is named."""

ObjectType = Literal[
    "schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint"
]


def is_ours(
    item: SchemaItem,
    name: str | None,
    kind: ObjectType,
    is_reflected: bool,
    compared_with: SchemaItem | None,
) -> bool:
    """Leave tables alone that no model declares: a removed app's data is not ours to drop."""
    if kind == "table" and CHOSEN and registry.owner_of(name or "") not in CHOSEN:
        return False
    return not (kind == "table" and is_reflected and compared_with is None)


OPTIONS: dict[str, Any] = {
    "target_metadata": context.config.attributes.get("target_metadata", Base.metadata),
    "include_object": is_ours,
    "compare_server_default": True,
    "transaction_per_migration": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
}


def migrate_on(connection: Connection) -> None:
    listener = context.config.attributes.get("on_version_apply")
    context.configure(connection=connection, on_version_apply=listener, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    # The driver's own style would print each % of a statement twice.
    style = {"paramstyle": "named"}
    context.configure(dialect_name="postgresql", literal_binds=True, dialect_opts=style, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()
elif context.config.attributes.get("connection") is not None:
    migrate_on(context.config.attributes["connection"])
else:  # the alembic program itself was called
    with open_connection(load_settings()) as own_connection:
        migrate_on(own_connection)

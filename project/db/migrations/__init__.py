"""Alembic, set up in pyproject.toml: one linear history for all apps."""

from project.db.migrations.history import (
    VERSIONS,
    alembic_config,
    find_revision,
    head_revision,
    next_revision,
    script_directory,
)
from project.db.migrations.locking import migration_lock
from project.db.migrations.state import (
    current_revision,
    invalid_indexes,
    pending_revisions,
    unclaimed_tables,
)

__all__ = [
    "VERSIONS",
    "alembic_config",
    "find_revision",
    "head_revision",
    "next_revision",
    "script_directory",
    "migration_lock",
    "current_revision",
    "invalid_indexes",
    "pending_revisions",
    "unclaimed_tables",
]

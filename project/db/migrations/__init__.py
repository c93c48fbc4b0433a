"""Alembic, set up in pyproject.toml: one linear history for all apps."""

from project.db.migrations.history import (
    VERSIONS,
    Revision,
    alembic_config,
    all_revisions,
    find_revision,
    head_revision,
    hidden_files,
    next_revision,
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
    "Revision",
    "alembic_config",
    "all_revisions",
    "find_revision",
    "head_revision",
    "hidden_files",
    "next_revision",
    "migration_lock",
    "current_revision",
    "invalid_indexes",
    "pending_revisions",
    "unclaimed_tables",
]

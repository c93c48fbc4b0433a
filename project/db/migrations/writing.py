"""Writing a revision's file, without what Alembic and its hooks print."""

import importlib.util
import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from alembic import command
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import Connection

from project.db.migrations.changes import quiet_config
from project.errors import CommandError

Process = Callable[[MigrationContext, Any, list[ops.MigrationScript]], None]


def write_revision(
    connection: Connection,
    message: str,
    revision: str,
    process: Process | None = None,
    **attributes: Any,
) -> Path | None:
    """Write the file and return its path.

    With `process` the models are compared with the database; it may change what was found, and
    nothing is written, and None returned, if it leaves no script. `attributes` are for env.py.
    """
    with redirect_stdout(io.StringIO()):
        written = command.revision(
            quiet_config(connection, **attributes),
            message,
            autogenerate=process is not None,
            rev_id=revision,
            process_revision_directives=process,
        )
    connection.rollback()
    return Path(written.path) if isinstance(written, Script) else None


def refuse_without_ruff() -> None:
    """Raise CommandError where what is written could not be formatted: in the image, say."""
    if importlib.util.find_spec("ruff") is None:
        raise CommandError(
            "New migrations are formatted with ruff, which is not installed here: write them "
            "where you develop (uv sync), and deploy the file."
        )

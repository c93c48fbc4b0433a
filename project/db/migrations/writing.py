"""Writing a revision's file, without what Alembic and its hooks print."""

import importlib.util
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from alembic import command
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import Connection

from project.db.migrations.changes import quiet_config
from project.db.migrations.history import VERSIONS, migration_files
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
    with redirect_stdout(io.StringIO()), _nothing_half_written():
        written = command.revision(
            quiet_config(connection, **attributes),
            message,
            autogenerate=process is not None,
            rev_id=revision,
            process_revision_directives=process,
        )
    connection.rollback()
    return Path(written.path) if isinstance(written, Script) else None


@contextmanager
def _nothing_half_written() -> Iterator[None]:
    """Delete a new file that turns out to be none: it would stand in the way of every command."""
    before = migration_files(VERSIONS)
    try:
        yield
    except BaseException:
        for path in set(migration_files(VERSIONS)).difference(before):
            path.unlink()
        raise


def refuse_without_ruff() -> None:
    """Raise CommandError where what is written could not be formatted: in the image, say."""
    if importlib.util.find_spec("ruff") is None:
        raise CommandError(
            "New migrations are formatted with ruff, which is not installed here: write them "
            "where you develop (uv sync), and deploy the file."
        )

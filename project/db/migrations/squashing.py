"""One baseline in the place of many migrations, proven to make the same schema.

The baseline takes over the id of the last migration that it replaces: a database that is there
needs no stamp, and an empty one gets everything at once.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from alembic import command
from alembic.operations import ops
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.sql.elements import conv

from project.db.base import Base
from project.db.migrations.history import (
    VERSIONS,
    Revision,
    alembic_config,
    all_revisions,
    migration_files,
)
from project.db.migrations.state import VERSION_TABLE, unclaimed_tables
from project.db.migrations.writing import write_revision
from project.errors import CommandError

UNLOGGED = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relpersistence = 'u'")
ASIDE = VERSIONS.parent / "before-squash"
# What a comparison of models and database never finds.
BY_HAND = {"execute", "bulk_insert", "get_bind", "run_async"}
SHOWN = 80
# A colon that SQLAlchemy's text() would take for a parameter.
PARAMETER = re.compile(r"(?<![:\\]):(?=\w)")


class Statements(NamedTuple):
    """SQL that the baseline runs besides: before the tables are made, and after."""

    before: str = ""
    after: str = ""


def written_by_hand(scripts: Sequence[Revision]) -> Iterator[str]:
    """Yield file, line and text of what no comparison of models and database would find."""
    for script in scripts:
        path = script.path
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef) and node.name == "upgrade":
                for line, shown in _calls(node):
                    yield f"{path.name}, line {line}: {shown}"


def _calls(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in BY_HAND and ast.unparse(node.func.value) == "op":
            shown = " ".join(ast.unparse(node).split())
            yield node.lineno, shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


def build(connection: Connection, revision: str) -> None:
    """Bring an empty database to this revision, by the files that are there."""
    command.upgrade(alembic_config(connection), revision)
    connection.rollback()


def schema_to_write(connection: Connection, *, is_head: bool) -> MetaData:
    """Return what the baseline has to make.

    It is what the models say, unless they are ahead of the revision or do not declare what a
    removed app has left: then it is what the database has.
    """
    if is_head and not unclaimed_tables(connection):
        return Base.metadata
    found = MetaData()  # without the convention: the names are complete
    found.reflect(connection)
    found.remove(found.tables[VERSION_TABLE])
    unlogged = set(connection.scalars(UNLOGGED))
    for table in found.tables.values():
        if table.name in unlogged:
            table._prefixes = ["UNLOGGED"]  # noqa: SLF001 - which reflection overlooks
        for constraint in table.constraints:
            constraint.name = _complete(constraint.name)
        for index in table.indexes:
            index.name = _complete(index.name)
    connection.rollback()
    return found


def _complete(name: Any) -> Any:
    """Mark a name as one that the convention is not to be applied to."""
    return conv(name) if isinstance(name, str) else name


def write_baseline(
    connection: Connection, revision: str, metadata: MetaData, statements: Statements
) -> Path:
    """Write the baseline by comparing `metadata` with an empty database."""

    def process(_: Any, __: Any, scripts: list[ops.MigrationScript]) -> None:
        upgrade = scripts[0].upgrade_ops_list[-1].ops
        upgrade[:] = [*_execute(statements.before), *upgrade, *_execute(statements.after)]

    path = write_revision(connection, "baseline", revision, process, target_metadata=metadata)
    if path is None:
        raise CommandError("No baseline was written: there are no tables.")
    return path


def _execute(statements: str) -> list[ops.MigrateOperation]:
    return [ops.ExecuteSQLOp(PARAMETER.sub(r"\\:", statements))] if statements.strip() else []


@contextmanager
def set_aside(scripts: Sequence[Revision]) -> Iterator[None]:
    """Move every migration out of the way, and all of them back if this does not end well.

    If it does, those that come after `scripts` go back, and `scripts` are deleted.
    """
    if migration_files(ASIDE):
        raise CommandError(
            f"An earlier squash was broken off: move the files in migrations/{ASIDE.name} back "
            f"to migrations/{VERSIONS.name}, or delete them."
        )
    squashed = {script.path.name for script in scripts}
    before = migration_files(VERSIONS)
    try:
        ASIDE.mkdir(exist_ok=True)
        for path in before:
            path.rename(ASIDE / path.name)
        yield
        _put_back(path for path in migration_files(ASIDE) if path.name not in squashed)
    except BaseException:
        _take_away_baseline(scripts[-1].revision, before)
        _put_back(migration_files(ASIDE))
        _remove_folder()
        raise
    finally:
        all_revisions.cache_clear()
    # From here on there is nothing to go back to, and nothing of it is missed.
    for path in migration_files(ASIDE):
        path.unlink()
    _remove_folder()


def _put_back(paths: Iterable[Path]) -> None:
    for path in paths:
        path.replace(VERSIONS / path.name)


def _take_away_baseline(revision: str, before: Sequence[Path]) -> None:
    """Delete what has been written in this very squash, and not what was moved back already."""
    for path in migration_files(VERSIONS):
        is_new = path not in before or (ASIDE / path.name).exists()
        if is_new and path.name.startswith(f"{revision}_"):
            path.unlink()


def _remove_folder() -> None:
    with suppress(OSError):  # somebody else's file is in it, .DS_Store say
        ASIDE.rmdir()

"""Write the migration for what has changed in the models.

Tables of an app that was removed are never dropped: `uninstallapp` does that. What was removed
and what was added may be one thing under a new name: at a terminal you are asked, elsewhere say
so with --rename items_item.name:title, or --rename items_item:items_product for a table, or
--no-rename where it is none and the data may go. Without an answer nothing is written.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from project.apps import Registry
from project.db.migrations import next_revision, pending_revisions
from project.db.migrations.writing import Process, refuse_without_ruff, write_revision
from project.errors import CommandError
from project.management.environment import find_app, open_connection
from project.management.model_review import Review
from project.settings import INSTALLED_APPS, ROOT, load_settings

NAME_LENGTH = 40
PAIR = re.compile(r"\w+(\.\w+)?:\w+")
DEFAULT = re.compile(r"\w+\.\w+=.+", re.DOTALL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("apps", nargs="*", metavar="app", help="look at these apps' tables alone")
    parser.add_argument("-n", "--name", help="what it does; becomes part of the file's name")
    parser.add_argument("--check", action="store_true", help="exit with 1 if anything has changed")
    parser.add_argument("--dry-run", action="store_true", help="show it, write nothing")
    parser.add_argument("--empty", action="store_true", help="write one to fill in by hand")
    parser.add_argument("--noinput", "--no-input", action="store_true", help="ask nothing")
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="TABLE.COLUMN:NEW",
        help="it was renamed, keep the data; TABLE:NEW for a table; may be repeated",
    )
    parser.add_argument(
        "--no-rename",
        action="store_true",
        help="nothing else was renamed: remove it with its data, and add",
    )
    parser.add_argument(
        "--default",
        action="append",
        default=[],
        metavar="TABLE.COLUMN=SQL",
        help="the value of a new required column in rows that exist; may be repeated",
    )


def handle(options: argparse.Namespace) -> int:
    _refuse_nonsense(options)
    is_writing = not options.check and not options.dry_run
    review = Review.of(
        _checked(options.rename, PAIR, "--rename", "items_item.name:title"),
        _checked(options.default, DEFAULT, "--default", "items_item.colour=''"),
        may_ask=is_writing and not options.noinput,
        is_strict=is_writing,
        no_renames=options.no_rename,
    )
    registry = Registry.load(INSTALLED_APPS)
    labels = frozenset(find_app(registry, label).label for label in options.apps)
    with open_connection(load_settings()) as connection:
        _refuse_pending(connection)
        if options.empty:
            refuse_without_ruff()
            _write(connection, options.name or "by hand")
            return 0
        changes = _review(connection, review, options.name, labels, is_writing=is_writing)
    return 1 if changes and options.check else 0


def _refuse_nonsense(options: argparse.Namespace) -> None:
    if options.empty and (options.check or options.dry_run):
        raise CommandError("--empty writes a file: leave --check and --dry-run out.", exit_code=2)
    if not (options.name or "").isprintable():
        raise CommandError("--name is one line, without control characters.", exit_code=2)


def _checked(values: list[str], form: re.Pattern[str], option: str, example: str) -> list[str]:
    for value in values:
        if not form.fullmatch(value):
            raise CommandError(
                f'{option} takes the form of "{example}", not "{value}".', exit_code=2
            )
    return values


def _refuse_pending(connection: Connection) -> None:
    pending = pending_revisions(connection)
    connection.rollback()
    if pending:
        raise CommandError(
            f"{len(pending)} migration(s) are pending and the comparison would be wrong. "
            "Run `manage.py migrate` first."
        )


def _review(
    connection: Connection,
    review: Review,
    name: str | None,
    labels: frozenset[str],
    *,
    is_writing: bool,
) -> list[str]:
    """Compare, ask, show, and write the migration unless told otherwise; return the changes."""
    changes: list[str] = []
    terminal = sys.stdout

    def process(context: MigrationContext, _: object, scripts: list[ops.MigrationScript]) -> None:
        script = scripts[0]
        with redirect_stdout(terminal):
            changes.extend(review.settle(context, script))
            _show(changes)
        if is_writing and changes:
            refuse_without_ruff()
            script.message = name or _name(changes)
        else:
            scripts.clear()  # Alembic then writes nothing

    _write(connection, "", process, labels=labels)
    return changes


def _show(changes: Sequence[str]) -> None:
    for change in changes:
        print(f"  - {change}")
    if not changes:
        print("No changes in the models.")
    sys.stdout.flush()


def _write(
    connection: Connection, name: str, process: Process | None = None, **attributes: Any
) -> None:
    written = write_revision(connection, name, next_revision(), process, **attributes)
    if written is not None:
        print(f"Wrote {written.as_posix().replace(ROOT.as_posix(), '.')}")


def _name(changes: Sequence[str]) -> str:
    """Make up a name from the first change."""
    first = re.sub(r"[^a-z0-9]+", " ", changes[0].lower())
    return first[:NAME_LENGTH].strip()

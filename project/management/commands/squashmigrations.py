"""Replace all migrations, or those up to a revision, by one that makes the same schema.

The new one has the id of the last it replaces: databases that are there stay as they are, empty
ones are made in one step. A database in the middle could not go on, so migrate every one of them
first. Old and new are run on two scratch databases; unless the schemas are equal and the rows as
many, the old files come back. What stands only in migrations written by hand (functions,
triggers, extensions, data) is named, and goes into the new one with --before and --after.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from project.db.engine import resolve_direct_url
from project.db.migrations import (
    Revision,
    all_revisions,
    find_revision,
    head_revision,
    pending_revisions,
)
from project.db.migrations.changes import find_changes
from project.db.migrations.schemas import Content, difference, statements_of_schema
from project.db.migrations.scratch import scratch_database
from project.db.migrations.squashing import (
    Statements,
    build,
    schema_to_write,
    set_aside,
    write_baseline,
    written_by_hand,
)
from project.db.migrations.writing import refuse_without_ruff
from project.errors import CommandError
from project.management import style
from project.management.asking import confirm, require_terminal
from project.management.catalogue import shown
from project.management.environment import load_registry, open_connection
from project.management.migration_lint import allow_what_is_found
from project.settings import Settings, load_settings
from project.tasks.tables import SCHEMA, are_there

SHOWN_DIFFERENCE = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", metavar="REVISION", default="head", help="the last to replace")
    parser.add_argument("--before", type=Path, metavar="FILE", help="SQL to run before the tables")
    parser.add_argument("--after", type=Path, metavar="FILE", help="SQL to run after the tables")
    parser.add_argument("--noinput", "--no-input", action="store_true", help="ask nothing")


def handle(options: argparse.Namespace) -> int:
    refuse_without_ruff()
    if not options.noinput:
        require_terminal()
    load_registry()
    statements = Statements(_read(options.before), _read(options.after))
    settings, scripts = load_settings(), _scripts_up_to(options.to)
    _refuse_unmigrated(settings, scripts)
    for line in written_by_hand(scripts):
        print(f"By hand: {line}")
    if not options.noinput:
        files = f"{Path(scripts[0].path).name} to {Path(scripts[-1].path).name}"
        confirm(
            f"Every database has to be at {scripts[-1].revision} or later, or empty. Replace "
            f"{len(scripts)} migrations ({files}) by one?"
        )
    path = _squash(settings, scripts, statements)
    allow_what_is_found(find_revision(scripts[-1].revision), "it meets an empty database alone")
    print(style.success(f"Wrote {shown(path)} in the place of {len(scripts)} migrations."))
    return 0


def _read(path: Path | None) -> str:
    try:
        return path.read_text("utf-8") if path else ""
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8: save it as that.") from error


def _scripts_up_to(name: str) -> list[Revision]:
    last = find_revision(name)
    scripts = all_revisions()[: all_revisions().index(last) + 1]
    if len(scripts) == 1:
        raise CommandError(
            f"Up to {last.revision} there is one migration: there is nothing to squash."
        )
    return list(scripts)


def _refuse_unmigrated(settings: Settings, scripts: Sequence[Revision]) -> None:
    """Raise CommandError where this very database would be left in the middle."""
    with open_connection(settings) as connection:
        pending = pending_revisions(connection)
    missing = [script.revision for script in scripts if script.revision in pending]
    if missing:
        raise CommandError(
            f"The working database lacks {', '.join(missing)}: run `manage.py migrate` first, here "
            "and on every other database. One in the middle could not go on, because the "
            "migrations that it lacks are gone afterwards."
        )


def _squash(settings: Settings, scripts: Sequence[Revision], statements: Statements) -> Path:
    last = scripts[-1].revision
    url = resolve_direct_url(settings)
    with (
        scratch_database(url, settings.database, "old") as (old_url, old),
        scratch_database(url, settings.database, "new") as (new_url, new),
    ):
        _build_old(old, last)
        is_head = last == head_revision()
        if is_head and find_changes(old):
            raise CommandError(
                "The models have changes that are not in a migration: makemigrations."
            )
        metadata = schema_to_write(old, is_head=is_head)
        if are_there(old):
            own = statements_of_schema(old_url, SCHEMA)
            statements = Statements(f"{own}\n{statements.before}", statements.after)
        old.rollback()
        with set_aside(scripts):
            path = write_baseline(new, last, metadata, statements)
            build(new, last)
            _compare(Content.read(old_url, old), Content.read(new_url, new))
    return path


def _build_old(connection: Connection, revision: str) -> None:
    try:
        build(connection, revision)
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
        raise CommandError(
            f"The present migrations do not run on an empty database ({reason}): mend that first."
        ) from error


def _compare(before: Content, after: Content) -> None:
    lines = difference(before, after)
    if not lines:
        return
    print(*lines[:SHOWN_DIFFERENCE], sep="\n")
    if len(lines) > SHOWN_DIFFERENCE:
        print(f"… and {len(lines) - SHOWN_DIFFERENCE} lines more")
    raise CommandError(
        "The baseline would lose (-) or add (+) what is above; the old migrations are back as they "
        "were. Write SQL for what is missing into a file and name it with --before or --after."
    )

"""Bring the database to the newest revision, or to the one named.

One history holds all apps. `migrate 0002` brings the whole database to 0002, forwards or back;
`migrate base` (or Django's `zero`) takes everything back. An app's label may come first, as in
Django: `migrate items` and `migrate items 0002` go forwards as if it were not there, and going
back by it is refused, because other apps' migrations would go with it.

Each migration is one transaction. One that finds a table in use waits for DATABASE_LOCK_TIMEOUT,
so that nobody queues behind it for long, and is tried again after a pause.
"""

import argparse
import sys

from sqlalchemy import Connection

from project.db.migrations import (
    current_revision,
    head_revision,
    invalid_indexes,
    migration_lock,
)
from project.db.migrations.locking import ATTEMPTS
from project.errors import CommandError
from project.management import style
from project.management.environment import open_connection
from project.management.migration_targets import (
    NOTHING,
    Target,
    describe,
    find_target,
    refuse_backwards,
    split_words,
)
from project.management.parser import positive
from project.settings import Settings, load_settings

__all__ = ["add_arguments", "apply_migrations", "describe", "handle"]

CHANGED = (
    "Your models have changes that are not yet in a migration: run `manage.py makemigrations`."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", nargs="?", help="an app's label, as in Django; not needed")
    parser.add_argument(
        "revision", nargs="?", help="its number, 0002 say, or head, base, zero, +1, -1"
    )
    parser.add_argument("--plan", action="store_true", help="show what would be done")
    parser.add_argument("--check", action="store_true", help="exit with 1 if anything is pending")
    parser.add_argument("--sql", action="store_true", help="print the SQL instead of running it")
    parser.add_argument(
        "--fake", action="store_true", help="only record that the database is there; run nothing"
    )
    parser.add_argument(
        "--lock-attempts",
        type=positive,
        default=ATTEMPTS,
        metavar="N",
        help="how often a migration is tried whose table is in use (default: %(default)s)",
    )


def handle(options: argparse.Namespace) -> int:
    label, word = split_words(
        [word for word in (options.app, options.revision) if word is not None]
    )
    if options.sql:
        return _print_sql(word)
    settings = load_settings()
    with open_connection(settings) as connection:
        if options.plan or options.check:
            return _show_plan(find_target(connection, word), is_check=options.check)
        with migration_lock(connection, say):
            target = find_target(connection, word)
            if label:
                refuse_backwards(label, target)
            work = _fake if options.fake else _migrate
            work(connection, target, options.lock_attempts)
            if not options.fake:
                _warn(connection, settings, target)
    return 0


def apply_migrations(connection: Connection) -> None:
    """Bring the database to the newest revision, while no other process does."""
    from project.db.migrations import applying  # noqa: PLC0415 - loads Alembic

    with migration_lock(connection, say):
        applying.upgrade(connection, "head", attempts=ATTEMPTS, say=say)


def say(line: str) -> None:
    """Tell whoever waits what for, at once."""
    print(line, file=sys.stderr, flush=True)


def _print_sql(word: str) -> int:
    from project.db.migrations import applying  # noqa: PLC0415 - the same

    if word in NOTHING:
        raise CommandError(
            "--sql prints the way forwards: `manage.py sqlmigrate 0002 --backwards` prints the way "
            "back from one migration.",
            exit_code=2,
        )
    applying.print_sql(word)
    return 0


def _show_plan(target: Target, *, is_check: bool) -> int:
    for revision in target.to_apply:
        print(f"  {describe(revision)}")
    for revision in target.to_take_back:
        print(f"  take back {describe(revision)}")
    is_there = not target.to_apply and not target.to_take_back
    if is_there:
        print("No migrations to apply.")
    return 1 if is_check and not is_there else 0


def _migrate(connection: Connection, target: Target, attempts: int) -> None:
    if not target.to_apply and not target.to_take_back:
        print("No migrations to apply.")
        return
    from project.db.migrations import applying  # noqa: PLC0415 - the same

    step = applying.upgrade if target.to_apply else applying.downgrade
    try:
        step(connection, target.revision or "base", attempts=attempts, say=say)
    except Exception:  # those before the one that fails are in
        if not connection.invalidated:
            _report(connection, target)
        raise
    _report(connection, target)


def _report(connection: Connection, target: Target) -> None:
    connection.rollback()
    after = current_revision(connection)
    connection.rollback()
    if after == target.before:
        return
    for revision in target.to_apply:
        print(f"Applied {describe(revision)}")
        if revision == after:
            return
    print(f"The database is now at {describe(after) if after else 'base'}.")


def _fake(connection: Connection, target: Target, _: int) -> None:
    """Record it, for a database whose tables came about in another way."""
    from project.db.migrations import applying  # noqa: PLC0415 - the same

    applying.stamp(connection, target.revision or "base")
    place = describe(target.revision) if target.revision else "base"
    print(f"The database is now marked as being at {place}; nothing was run.")


def _warn(connection: Connection, settings: Settings, target: Target) -> None:
    """Say what a person should know afterwards.

    Comparing takes a third of a second: it is left out where nobody can change the models, and
    where nothing was to be done and nobody looks.
    """
    for name in invalid_indexes(connection):
        say(
            style.warning(
                f'The index {name} is INVALID, its building broke off: DROP INDEX CONCURRENTLY "'
                f'{name}" and build it again.',
                sys.stderr,
            )
        )
    connection.rollback()
    is_watched = bool(target.to_apply) or sys.stdout.isatty()
    if target.revision == head_revision() and is_watched and not settings.is_deployed:
        from project.db.migrations.changes import find_changes  # noqa: PLC0415 - only then

        if find_changes(connection):
            print(style.warning(CHANGED))

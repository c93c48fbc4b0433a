"""Bring the database to the newest revision, or to the one named."""

import argparse

from alembic import command
from alembic.util import CommandError as AlembicError
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from project.db.migrations import (
    alembic_config,
    current_revision,
    find_revision,
    head_revision,
    migration_lock,
    pending_revisions,
    script_directory,
)
from project.errors import CommandError
from project.management.environment import open_connection
from project.settings import load_settings

LOCK_NOT_AVAILABLE = "55P03"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("revision", nargs="?", default="head", help="a revision, or head, base, -1")
    parser.add_argument("--plan", action="store_true", help="show what would be done")
    parser.add_argument("--check", action="store_true", help="exit with 1 if anything is pending")
    parser.add_argument("--sql", action="store_true", help="print the SQL instead of running it")


def handle(options: argparse.Namespace) -> int:
    if options.sql:
        head_revision()
        command.upgrade(alembic_config(), options.revision, sql=True)
        return 0
    with open_connection(load_settings()) as connection:
        if options.plan or options.check:
            return _show_plan(connection, is_check=options.check)
        return _migrate(connection, options.revision)


def apply_migrations(connection: Connection) -> None:
    """Bring the database to the newest revision, while no other process does."""
    with migration_lock(connection):
        command.upgrade(alembic_config(connection), "head")


def _show_plan(connection: Connection, *, is_check: bool) -> int:
    pending = pending_revisions(connection)
    for revision in pending:
        print(f"  {describe(revision)}")
    if not pending:
        print("No migrations to apply.")
    return 1 if pending and is_check else 0


def _migrate(connection: Connection, revision: str) -> int:
    with migration_lock(connection):
        before = current_revision(connection)
        pending = pending_revisions(connection)
        connection.rollback()
        is_upgrade = revision == "head" or revision in pending or revision.startswith("+")
        if not is_upgrade:
            _refuse_unknown(revision)
        step = command.upgrade if is_upgrade else command.downgrade
        try:
            step(alembic_config(connection), revision)
        except AlembicError as error:
            raise CommandError(f"{error}. `manage.py showmigrations` lists them.") from error
        except OperationalError as error:
            _explain_lock(error)
            raise
        after = current_revision(connection)
        connection.rollback()
    _report(pending if is_upgrade else [], before, after)
    return 0


def _refuse_unknown(revision: str) -> None:
    if revision.startswith("-") or revision == "base":
        return
    find_revision(revision)


def _explain_lock(error: OperationalError) -> None:
    if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
        raise CommandError(
            "A table is in use and did not become free in time; nothing of this migration was "
            "applied. Run it again when the long transaction is over."
        ) from error


def _report(applied: list[str], before: str | None, after: str | None) -> None:
    if before == after:
        print("No migrations to apply.")
        return
    for revision in applied:
        print(f"Applied {describe(revision)}")
        if revision == after:
            return
    if not applied:
        print(f"The database is now at {describe(after) if after else 'base'}.")


def describe(revision: str) -> str:
    """Return a revision's id and what it says it does."""
    script = script_directory().get_revision(revision)
    return f"{revision} {script.doc.splitlines()[0]}"

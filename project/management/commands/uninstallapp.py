"""Remove an installed app: write the migration that drops its tables, take its line out.

The migration can be taken back, which makes the tables anew, but empty. With --keep-tables no
migration is written and the data stays. The app's folder is yours to delete.
"""

import argparse
from collections.abc import Sequence

from sqlalchemy import Connection, Table, text

from project.apps import AppConfig, Registry
from project.db.base import Base
from project.db.migrations import pending_revisions
from project.db.migrations.changes import find_changes
from project.db.migrations.removal import tables_of, write_removal
from project.db.migrations.writing import refuse_without_ruff
from project.errors import CommandError
from project.management import style
from project.management.asking import confirm, require_terminal
from project.management.catalogue import ROOT, SETTINGS_FILE, shown
from project.management.environment import find_app, load_registry, open_connection
from project.management.installed_apps import without_app
from project.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("label", help="the app's label, such as items")
    parser.add_argument("--keep-tables", action="store_true", help="only take the line out")
    parser.add_argument("--noinput", "--no-input", action="store_true", help="ask nothing")


def handle(options: argparse.Namespace) -> int:
    registry = load_registry()
    app = find_app(registry, options.label)
    _refuse_required(app, registry)
    tables = tables_of(app, registry, Base)
    _refuse_referred(app, tables)
    settings = without_app(SETTINGS_FILE.read_bytes(), app.package)
    if tables and not options.keep_tables:
        _drop(app, tables, is_confirmed=options.noinput)
    SETTINGS_FILE.write_bytes(settings)
    print(style.success(f"Took {app.package!r} out of INSTALLED_APPS."))
    _show_rest(app, tables, is_kept=options.keep_tables)
    return 0


def _refuse_required(app: AppConfig, registry: Registry) -> None:
    needing = [other.label for other in registry if app.label in other.requires]
    if needing:
        raise CommandError(
            f"App '{app.label}' is required by {', '.join(needing)}: uninstall that first."
        )


def _refuse_referred(app: AppConfig, tables: Sequence[Table]) -> None:
    """Raise CommandError where another app's table has a foreign key to one of these."""
    others = [table for table in Base.metadata.sorted_tables if table not in tables]
    for table in others:
        for key in table.foreign_keys:
            if key.column.table in tables:
                raise CommandError(
                    f"{table.name}.{key.parent.name} refers to {key.column.table.name} of app "
                    f"'{app.label}': remove that column first, and migrate."
                )


def _drop(app: AppConfig, tables: Sequence[Table], *, is_confirmed: bool) -> None:
    refuse_without_ruff()
    if not is_confirmed:
        require_terminal()
    with open_connection(load_settings()) as connection:
        _refuse_behind(connection)
        _refuse_foreign_keys(connection, tables)
        for table in tables:
            count = connection.scalar(text(f'SELECT count(*) FROM "{table.name}"'))  # noqa: S608
            print(f"  {table.name}: {count} row{'' if count == 1 else 's'}")
        connection.rollback()
        if not is_confirmed:
            confirm(f"Write the migration that drops {_these(tables)} of '{app.label}'?")
        print(f"Wrote {shown(write_removal(connection, app.label, tables))}", flush=True)


def _refuse_behind(connection: Connection) -> None:
    pending = pending_revisions(connection)
    connection.rollback()
    if pending:
        raise CommandError(f"{len(pending)} migration(s) are pending: `manage.py migrate` first.")
    if find_changes(connection):
        raise CommandError(
            "The models have changes that are not in a migration: `manage.py makemigrations` "
            "and `migrate` first."
        )


def _refuse_foreign_keys(connection: Connection, tables: Sequence[Table]) -> None:
    """The same in the database: a removed app's tables may still be there."""
    query = text(
        "SELECT f.relname, t.relname FROM pg_constraint c JOIN pg_class f ON f.oid = c.conrelid "
        "JOIN pg_class t ON t.oid = c.confrelid WHERE c.contype = 'f' "
        "AND t.relname = ANY(:names) AND f.relname <> ALL(:names) ORDER BY 1, 2 LIMIT 1"
    )
    found = connection.execute(query, {"names": [table.name for table in tables]}).first()
    connection.rollback()
    if found is not None:
        raise CommandError(
            f"The table {found[0]}, which no installed app declares, refers to {found[1]}: drop it "
            "in a migration first (`makemigrations --empty`), or use --keep-tables."
        )


def _these(tables: Sequence[Table]) -> str:
    return "this table" if len(tables) == 1 else f"these {len(tables)} tables"


def _show_rest(app: AppConfig, tables: Sequence[Table], *, is_kept: bool) -> None:
    """Say what is left for the person to do."""
    if tables and is_kept:
        print(f"Its tables stay: {', '.join(table.name for table in tables)}.")
    elif tables:
        print("The tables are dropped by `python manage.py migrate`.")
    elsewhere = ("tests/apps/{}", "tests/factories/{}.py", "loadtests/scenarios/{}.py")
    places = [app.folder, *(ROOT / place.format(app.label) for place in elsewhere)]
    left = [shown(place) for place in places if place.exists()]
    if left:
        print(f"Left to delete, if nothing else uses them: {', '.join(left)}")

"""Start a small shop: database, migrations, sample data, an admin account and the server.

Everything that exists already is kept, so a second run starts within seconds.
"""

import argparse
import secrets

from sqlalchemy import text

from project.application import find_authenticator
from project.apps import Registry
from project.db.migrations import pending_revisions
from project.db.session import Database
from project.errors import CommandError
from project.management.commands.migrate import apply_migrations
from project.management.commands.seed import load_samples
from project.management.environment import load_registry, open_connection, open_database
from project.management.listening import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    add_server_arguments,
    bind,
    url_of,
)
from project.management.server import serve
from project.settings import Settings, load_settings

ADMIN_EMAIL = "admin@example.com"
LABEL_WIDTH = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_server_arguments(parser)


def handle(options: argparse.Namespace) -> int:
    settings = load_settings()
    if settings.is_deployed:
        raise CommandError(
            f"This is {settings.environment}: the demo writes sample data and a test account. "
            "Use `manage.py migrate` and `manage.py runserver`."
        )
    registry = load_registry()
    port = DEFAULT_PORT if options.port is None else options.port
    with bind(options.host or DEFAULT_HOST, port) as listener:
        _prepare(settings, registry)
        for label, path in (("Shop", "/"), ("API", "/api/docs"), ("Admin", "/admin/")):
            _say(label, url_of(listener, path))
        print("\nQuit with Ctrl-C.", flush=True)
        workers = options.workers or settings.server.workers
        return serve(listener, settings, workers=workers)


def _prepare(settings: Settings, registry: Registry) -> None:
    with open_connection(settings) as connection:
        version = connection.scalar(text("SHOW server_version"))
        _say("Database", f"PostgreSQL {version}{'' if settings.database.url else ', embedded'}")
        pending = pending_revisions(connection)
        connection.rollback()
        if pending:
            apply_migrations(connection)
            _say("Migrated", f"{len(pending)} migration(s)")
    with open_database(settings) as database:
        _load_samples(database, registry)
        _ensure_admin(database, registry)


def _load_samples(database: Database, registry: Registry) -> None:
    with database.transaction() as session:
        loaded = load_samples(session, registry)
    rows = ", ".join(f"{count} {label}" for label, count in loaded.items() if count)
    _say("Sample", rows or "kept as it is")


def _ensure_admin(database: Database, registry: Registry) -> None:
    authenticator = find_authenticator(registry)
    if authenticator is None:
        return
    password = secrets.token_urlsafe(12)
    with database.transaction() as session:
        is_new = authenticator.ensure_superuser(session, email=ADMIN_EMAIL, password=password)
    _say("Email", ADMIN_EMAIL)
    _say("Password", password if is_new else "shown when the account was made")


def _say(label: str, words: str) -> None:
    print(f"{label + ':':<{LABEL_WIDTH}} {words}", flush=True)

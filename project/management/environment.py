"""What commands that work on the database share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, ProgrammingError

from project.apps import AppConfig, Registry
from project.db.engine import create_single_engine, resolve_direct_url
from project.errors import AppError, CommandError
from project.settings import INSTALLED_APPS, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from project.db.session import Database

# SQLSTATEs for a table and for a column that are not there.
MISSING = {"42P01", "42703"}


def load_registry() -> Registry:
    """Load the installed apps and their models."""
    registry = Registry.load(INSTALLED_APPS)
    registry.import_models()
    return registry


def find_app(registry: Registry, label: str) -> AppConfig:
    """Return the app of this label, which somebody typed. Raises CommandError if there is none."""
    try:
        return registry.get(label)
    except AppError as error:
        raise CommandError(str(error), exit_code=2) from error


@contextmanager
def open_connection(settings: Settings, **options: Any) -> Iterator[Connection]:
    """Connect to the database once, without a pool.

    Raises CommandError with the address, never the password, if it cannot be reached.
    """
    engine = create_single_engine(resolve_direct_url(settings), settings.database, **options)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        place = engine.url.render_as_string(hide_password=True).partition("?")[0]
        reason = " ".join(str(error.orig).split())
        raise CommandError(
            f"The database at {place} cannot be reached ({reason}): start it, or correct "
            "DATABASE_URL."
        ) from error
    with connection:
        yield connection


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """Open the database for units of work; everything is closed afterwards."""
    from project.db.session import Database  # noqa: PLC0415 - not all connections need the ORM

    with open_connection(settings) as connection:
        connection.rollback()
        database = Database(connection.engine)
    try:
        yield database
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) not in MISSING:
            raise
        reason = str(error.orig).splitlines()[0]
        raise CommandError(
            f"The database is behind ({reason}): run `manage.py migrate`."
        ) from error
    finally:
        database.close()

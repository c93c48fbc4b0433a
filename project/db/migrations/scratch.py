"""Empty databases beside the working one, for a moment."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import DBAPIError

from project.db.engine import create_single_engine
from project.errors import CommandError
from project.settings import DatabaseSettings


@contextmanager
def scratch_database(
    url: str, settings: DatabaseSettings, purpose: str
) -> Iterator[tuple[URL, Connection]]:
    """Create an empty database on the server of `url` and connect to it; drop it in the end.

    Raises CommandError where that is not allowed.
    """
    name = f"lintel_{purpose}_{secrets.token_hex(4)}"
    administration = create_single_engine(url, settings, isolation_level="AUTOCOMMIT")
    place = make_url(url).set(database=name)
    with administration.connect() as server:
        _create(server, name)
        try:
            address = place.render_as_string(hide_password=False)
            with create_single_engine(address, settings).connect() as connection:
                yield place, connection
        finally:
            server.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def _create(server: Connection, name: str) -> None:
    try:
        # template0, because whatever somebody has put into template1 would count as ours.
        server.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
        raise CommandError(
            f"A scratch database cannot be made ({reason}): let DATABASE_URL name an account "
            "with CREATEDB, or do this on the embedded server."
        ) from error

"""Checks of the replica: nothing fails without it, so nobody else would miss it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError

from project.checks.deployment import RESERVE, available_connections
from project.checks.framework import Problem, Subject, check_database
from project.db.engine import create_single_engine
from project.settings import Settings

IDENTIFIER = text("SELECT system_identifier FROM pg_control_system()")


@check_database("database")
def replica_follows(subject: Subject, connection: Connection) -> Iterator[Problem]:
    """The server finds the same out, and reads from the primary alone."""
    url = subject.settings.replica.url
    if not url:
        return
    place = make_url(url).render_as_string().partition("?")[0]
    try:
        with _connected(subject.settings) as replica:
            yield from _compared(connection, replica, place)
    except DBAPIError as error:
        yield Problem(
            "database.W006",
            f"The replica cannot be reached ({' '.join(str(error.orig).split())}).",
            hint="Start it, or correct DATABASE_REPLICA_URL.",
            obj=place,
        )


def _compared(primary: Connection, replica: Connection, place: str) -> Iterator[Problem]:
    names = {one.engine.url.database for one in (primary, replica)}
    if not replica.scalar(text("SELECT pg_is_in_recovery()")):
        yield Problem(
            "database.E006",
            "DATABASE_REPLICA_URL names a server that is no replica.",
            hint="Name a standby that streams from the primary, or leave it unset.",
            obj=place,
        )
    elif primary.scalar(IDENTIFIER) != replica.scalar(IDENTIFIER) or len(names) > 1:
        yield Problem(
            "database.E007",
            "DATABASE_REPLICA_URL names a replica of another database than DATABASE_URL.",
            hint="Name one that streams from the server of DATABASE_URL, and the same database.",
            obj=place,
        )


@check_database("database", deploy=True)
def replica_connections_fit(subject: Subject, _: Connection) -> Iterator[Problem]:
    """The others go to the primary, as long as that has room."""
    settings = subject.settings
    if not settings.replica.url or settings.database.direct_url:
        return
    hosts, one = settings.server.replicas, settings.replica.pool_size + 1
    needed = hosts * settings.server.workers * one + RESERVE
    with _connected(settings) as replica:
        available = available_connections(replica)
    if needed > available:
        yield Problem(
            "database.E008",
            f"{hosts} x {settings.server.workers} workers x {one} connections + {RESERVE} in "
            f"reserve = {needed}, but the replica has {available} to give.",
            hint="Lower DATABASE_REPLICA_POOL_SIZE, or raise max_connections on both servers.",
        )


@contextmanager
def _connected(settings: Settings) -> Iterator[Connection]:
    engine = create_single_engine(str(settings.replica.url), settings.database)
    with engine.connect() as connection:
        yield connection

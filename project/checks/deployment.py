"""Checks of a place where strangers come; `check --deploy` runs them with that place's settings.

Ids that begin with `security.W0` are Django's.
"""

from collections.abc import Iterator

from sqlalchemy import URL, Connection, text

from project.checks.framework import (
    Problem,
    Rule,
    Subject,
    check,
    check_database,
    check_rules,
)
from project.settings import ROOT, WebSettings, is_weak
from project.web.lanes import available_cores

RESERVE = 5
"""Connections that stay free for migrations, backups and people."""

PROBES = 2
"""What a worker opens beside its pools: one that listens, one for a probe."""

OLDEST = 14
"""The oldest PostgreSQL that its makers still mend."""

LOCAL = {"", "localhost", "127.0.0.1", "::1"}

DEFAULT_HOSTS = WebSettings.model_fields["allowed_hosts"].default


SECURITY = check_rules(
    "security",
    # Development shows tracebacks of SQL, documents its API and makes up missing secrets.
    Rule(
        "security.W018",
        lambda subject: not subject.settings.is_deployed,
        "ENVIRONMENT is {settings.environment}.",
        "Set ENVIRONMENT=production, or staging.",
    ),
    Rule(
        "security.W009",
        lambda subject: any(map(is_weak, subject.settings.secret_keys)),
        "SECRET_KEY, or one of its fallbacks, is short, uniform or a placeholder.",
        "python -c 'import secrets; print(secrets.token_urlsafe(48))' makes a good one.",
    ),
    Rule(
        "security.W020",
        lambda subject: subject.settings.web.allowed_hosts == DEFAULT_HOSTS,
        "ALLOWED_HOSTS names this machine alone.",
        "Set it to the names under which people reach this place.",
    ),
    # Whoever is believed may call himself any client, and any scheme.
    Rule(
        "security.W101",
        lambda subject: "*" in subject.settings.web.trusted_proxies,
        "TRUSTED_PROXIES believes everybody's X-Forwarded headers.",
        "Name the addresses of your proxies.",
    ),
    deploy=True,
)

SERVER = check_rules(
    "server",
    Rule(
        "server.W001",
        lambda subject: subject.settings.has_server_timing,
        "SERVER_TIMING tells everybody how many queries an answer took.",
        "Leave it unset where strangers come.",
    ),
    Rule(
        "server.W002",
        lambda subject: subject.settings.logging.format == "text",
        "LOG_FORMAT is text, which no log collector takes apart safely.",
        "Leave it unset, or set it to json.",
    ),
    deploy=True,
)


@check("security", deploy=True)
def origins_are_encrypted(subject: Subject) -> Iterator[Problem]:
    for origin in subject.settings.web.allowed_origins:
        if origin.startswith("http://"):
            yield Problem(
                "security.W102",
                "ALLOWED_ORIGINS lets a page call the API that anyone on its way can change.",
                hint="Allow its https:// origin.",
                obj=origin,
            )


@check("server", deploy=True)
def uploads_survive(subject: Subject) -> Iterator[Problem]:
    """What lies beside the code goes with it, when the next version takes its place."""
    folder = subject.settings.media_directory
    if subject.settings.media.storage_url is None and folder.resolve().is_relative_to(ROOT):
        yield Problem(
            "server.W003",
            "Uploaded files lie inside the folder of the code.",
            hint="Set MEDIA_DIRECTORY to a folder of their own, or STORAGE_URL to a bucket.",
            obj=str(folder),
        )


@check("server", deploy=True)
def workers_have_cores(subject: Subject) -> Iterator[Problem]:
    cores, workers = available_cores(), subject.settings.server.workers
    if workers > cores:
        yield Problem(
            "server.I001",
            f"{workers} workers share {cores} cores: more memory and connections, no more answers.",
            hint="Measure with loadtests/ what this machine wants.",
        )


@check_database("database", deploy=True)
def connections_fit(subject: Subject, connection: Connection) -> Iterator[Problem]:
    """A worker that PostgreSQL turns away answers 503 to everybody."""
    server, database = subject.settings.server, subject.settings.database
    if database.direct_url:
        return  # the pooler counts them, and PostgreSQL sees its connections alone
    one = database.pool_size + database.async_pool_size + PROBES
    one += 1 if subject.settings.replica.url else 0  # it looks how far the primary is
    needed = server.replicas * server.workers * one + RESERVE
    available = available_connections(connection)
    if needed > available:
        yield Problem(
            "database.E002",
            f"{server.replicas} x {server.workers} workers x {one} connections + {RESERVE} in "
            f"reserve = {needed}, but PostgreSQL has {available} to give.",
            hint="Lower WORKERS or DATABASE_POOL_SIZE, or raise max_connections.",
        )


@check_database("database", deploy=True)
def server_is_maintained(_: Subject, connection: Connection) -> Iterator[Problem]:
    version = _version(connection)
    if version < OLDEST:
        yield Problem(
            "database.W003",
            f"PostgreSQL {version} gets no security updates any more.",
            hint="Upgrade the server; development and tests run on 18.",
        )


@check_database("database", deploy=True)
def connection_is_encrypted(_: Subject, connection: Connection) -> Iterator[Problem]:
    """On another machine's address, passwords and rows cross a network."""
    host = _host(connection.engine.url)
    is_encrypted = connection.scalar(
        text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    )
    if not (host in LOCAL or host.startswith("/") or is_encrypted):
        yield Problem(
            "database.W004",
            "The connection to PostgreSQL is not encrypted.",
            hint="Add ?sslmode=verify-full&sslrootcert=… to DATABASE_URL.",
            obj=host,
        )


def _host(url: URL) -> str:
    """Return the machine that is connected to, or the folder of its socket."""
    named = url.query.get("host", "")
    return url.host or (named if isinstance(named, str) else named[0])


def available_connections(connection: Connection) -> int:
    """Return how many connections ordinary roles may open."""
    kept = "superuser_reserved_connections", "reserved_connections"  # the second one since 16
    query = text(
        "SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END) "
        "FROM pg_settings WHERE name = 'max_connections' OR name = ANY(:kept)"
    )
    return int(connection.scalar(query, {"kept": list(kept)}) or 0)


def _version(connection: Connection) -> int:
    """Return the server's major version, 18 say."""
    return int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000

"""A database of the laboratory's own: made, migrated, filled within seconds, dropped at the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alembic import command
from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text

from loadtests.hosts import refusal
from project.db.engine import resolve_direct_url
from project.db.migrations import alembic_config
from project.errors import CommandError
from project.settings import Settings, load_settings

SUFFIX = "_loadtest"
LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL."""

STOCK = 1_000_000
"""Of each item: no load buys all of it."""

SEEDS = {
    "users_user": """
        INSERT INTO users_user (email, full_name, created_at)
        SELECT 'customer' || n || '@example.com',
               (ARRAY['Ada', 'Robin', 'Grace', 'Alan', 'Mary'])[1 + n % 5] || ' Hale ' || n,
               now() - n * interval '12 minutes'
        FROM generate_series(1, :users) AS n
    """,
    "items_item": """
        INSERT INTO items_item (name, description, price, stock, owner_id, created_at)
        SELECT (ARRAY['Oak', 'Brass', 'Linen', 'Cork', 'Slate', 'Wool', 'Glass'])[1 + n % 7] || ' '
               || (ARRAY['lamp', 'desk', 'mug', 'rug', 'clock'])[1 + n % 5] || ' ' || n,
               'Made by hand, number ' || n || '. ' || repeat('Turned and polished. ', 5),
               5 + n % 900, :stock, 1 + n % :users, now() - n * interval '3 minutes'
        FROM generate_series(1, :items) AS n
    """,
    "orders_order": """
        INSERT INTO orders_order (user_id, status, total, created_at)
        SELECT 1 + (n::bigint * 7919) % :users,
               CASE WHEN n % 97 = 0 THEN 'cancelled' ELSE 'placed' END,
               5 + n % 900, now() - n * interval '140 seconds'
        FROM generate_series(1, :orders) AS n
    """,
    "orders_order_line": """
        INSERT INTO orders_order_line (order_id, item_id, name, unit_price, quantity)
        SELECT n, 1 + (n::bigint * 104729) % :items, 'Oak lamp', 5 + n % 900, 1
        FROM generate_series(1, :orders) AS n
    """,
}
"""By table, in the order of their references; a table that is not there is left out."""


class Refused(CommandError):
    """The laboratory does not work there, or with these settings."""


@contextmanager
def laboratory_database(
    *,
    users: int = 2_000,
    items: int = 20_000,
    orders: int = 50_000,
    server: URL | None = None,
    name: str | None = None,
    migrate: Callable[[URL], None] | None = None,
) -> Iterator[URL]:
    """Make the database beside the one of DATABASE_URL, or on the embedded server; drop it after.

    That of development is as durable as production's, so that commits cost what they do there.
    `server` and `name` say otherwise; `migrate` gives it another schema than this revision's.
    Raises Refused.
    """
    if server is None:
        settings = load_settings()
        refuse(settings)
        server = make_url(resolve_direct_url(settings))
    refuse_address(server)
    name = name or own_name(server)
    administration = create_engine(
        server.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    with administration.connect() as connection, _alone(connection, name):
        drop = text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(drop)
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        try:
            url = server.set(database=name)
            (migrate or upgrade)(url)
            fill(url, users=users, items=items, orders=orders)
            yield url
        finally:
            connection.execute(drop)


def own_name(server: URL) -> str:
    """Return the name of the database for load beside the one that is named."""
    return f"{(server.database or 'lintel')[: LONGEST_NAME - len(SUFFIX)]}{SUFFIX}"


def refuse(settings: Settings) -> None:
    """Raise Refused where strangers may be served: a load test is no visitor."""
    if settings.is_deployed:
        raise Refused(
            f"ENVIRONMENT is {settings.environment}: load tests run with settings of development "
            "or test, on a machine like production's."
        )


def refuse_address(server: URL) -> None:
    """Raise Refused for a database elsewhere that nobody has named on purpose."""
    hosts = server.query.get("host", server.host or "")
    for host in (hosts,) if isinstance(hosts, str) else hosts:
        # A folder is a socket of this machine.
        said = None if not host or host.startswith("/") else refusal(f"postgresql://{host}")
        if said is not None:
            raise Refused(f"The database: {said}")


def upgrade(url: URL) -> None:
    """Give it the schema of this revision."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as migrating:
        command.upgrade(alembic_config(migrating), "head")
    engine.dispose()


def fill(url: URL, *, users: int, items: int, orders: int) -> None:
    """Make the rows, in the database itself."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    sizes = {"users": users, "items": items, "orders": orders, "stock": STOCK}
    with engine.connect() as connection:
        for table, statement in SEEDS.items():
            if connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}):
                bound = text(statement)
                wanted = {key: sizes[key] for key in sizes if f":{key}" in statement}
                connection.execute(bound, wanted)
        connection.execute(text("VACUUM ANALYZE"))  # what autovacuum does a minute later


@contextmanager
def _alone(connection: Connection, name: str) -> Iterator[None]:
    """Hold the name meanwhile. Raises Refused if another load test has it."""
    key = {"name": f"lintel load test {name}"}
    if not connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:name))"), key):
        raise Refused(f"Another load test uses the database {name}: wait for it, or end it.")
    try:
        yield
    finally:
        connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), key)

"""Engines: one pool per worker, and a deadline on everything that can wait."""

import math
import select
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError

from project.db.embedded import ensure_running
from project.db.error_counts import count_errors
from project.db.patience import bound_waiting, patient_creator
from project.errors import ImproperlyConfigured
from project.settings import DatabaseSettings, Settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

READ_ONLY_TRANSACTION = "25006"


def resolve_database_url(settings: Settings) -> str:
    """Return where the database is; start the embedded server if none is named.

    Raises ImproperlyConfigured in staging and production, where it has to be named.
    """
    if settings.database.url:
        return settings.database.url
    if settings.is_deployed:
        raise ImproperlyConfigured("DATABASE_URL is not set.")
    return ensure_running(settings.data_directory / "postgres")


def resolve_direct_url(settings: Settings) -> str:
    """Return where a session is one: past the pooler that stands before the database, if any."""
    return settings.database.direct_url or resolve_database_url(settings)


def has_database(settings: Settings) -> bool:
    """Whether there is one to look at: named by DATABASE_URL, or embedded and made already."""
    return bool(settings.database.url) or (settings.data_directory / "postgres").is_dir()


def create_pooled_engine(url: str, settings: DatabaseSettings) -> Engine:
    """Create the engine of a worker.

    The pool never overflows: the lane in front of it has as many threads as the pool has
    connections, so nobody ever waits inside the pool.
    """
    engine = create_engine(
        _with_defaults(url, settings, has_sessions=settings.direct_url is None),
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.queue_timeout,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"cursor_factory": _Cursor, **pooler_arguments(settings)},
    )
    bound_waiting(engine, settings.statement_timeout)
    _mind_connections(engine)
    return engine


def pooler_arguments(settings: DatabaseSettings) -> dict[str, Any]:
    """Return what psycopg has to know of a pooler, behind which no two transactions need to meet.

    A statement that one session prepared is unknown to the next one.
    """
    return {"prepare_threshold": None} if settings.direct_url else {}


class _Cursor(psycopg.Cursor[Any]):
    """Describes a result by what SQLAlchemy reads of it with every statement.

    psycopg's own descriptions know more, and take a fifth of the time of reading a row.
    """

    @property
    def description(self) -> list[Any] | None:
        result = self.pgresult
        if result is None or result.status != ExecStatus.TUPLES_OK:
            return super().description
        unknown = (None,) * 5
        return [
            ((result.fname(i) or b"").decode(self._encoding), result.ftype(i), *unknown)
            for i in range(result.nfields)
        ]


def begin_explicitly(engine: Engine) -> Engine:
    """Return an engine for transactions on the same pool, whose connections are in autocommit.

    The driver would have to be switched to and fro for each of them, which costs more than
    the statement; so they stay as they are, and BEGIN is said in so many words.
    """
    transactional = engine.execution_options()
    event.listen(transactional, "begin", _begin)
    return transactional


def _begin(connection: Connection) -> None:
    pooled = connection.connection
    if not getattr(pooled.driver_connection, "autocommit", True):
        return  # a command's own connection, whose driver says BEGIN
    with closing(pooled.cursor()) as cursor:
        try:
            cursor.execute("BEGIN")
        except Exception as error:  # noqa: BLE001 - as for any statement: wrapped, or raised again
            # The event is outside of what SQLAlchemy watches for connections that have died.
            connection._handle_dbapi_exception(error, "BEGIN", None, None, None)  # noqa: SLF001


def create_async_pooled_engine(engine: Engine, settings: DatabaseSettings) -> "AsyncEngine":
    """Create the async engine of a worker, beside its sync engine: same server, same deadlines.

    Its own small pool never overflows either; a gate as large as the pool stands before it.
    On Windows psycopg needs a selector event loop (`project.management.server` picks it).
    """
    # Brings the whole ORM along, which commands that only ask a question do without.
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    asynchronous = create_async_engine(
        engine.url,
        pool_size=settings.async_pool_size,
        max_overflow=0,
        pool_timeout=settings.queue_timeout,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={
            "async_creator_fn": patient_creator(settings.statement_timeout),
            **pooler_arguments(settings),
        },
    )
    _mind_connections(asynchronous.sync_engine)
    return asynchronous


def _mind_connections(engine: Engine) -> None:
    event.listen(engine, "checkout", _refuse_closed)
    event.listen(engine, "reset", _end_transaction)
    event.listen(engine, "handle_error", _discard_read_only)
    count_errors(engine)


def create_single_engine(url: str, settings: DatabaseSettings, **arguments: Any) -> Engine:
    """Create an engine without a pool, for a command that opens one connection.

    A command may take its time: an index is built for minutes, a person thinks at a prompt.
    It still gives up on locks that do not come free.
    """
    patient = settings.model_copy(
        update={"statement_timeout": 0.0, "idle_in_transaction_timeout": 0.0}
    )
    return create_engine(
        _with_defaults(url, patient), poolclass=NullPool, hide_parameters=True, **arguments
    )


# Seconds and tries until a peer that has vanished without a word is given up; ten seconds for
# data that it does not acknowledge (milliseconds, where the system knows it).
VANISHED_PEER = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


def _with_defaults(url: str, settings: DatabaseSettings, *, has_sessions: bool = True) -> URL:
    """Add the deadlines to the URL; what the URL itself says wins.

    A pooler has no sessions to set options in; there they are the role's (`database.W005`).
    """
    parsed = make_url(url)
    defaults = {"connect_timeout": str(settings.connect_timeout), "application_name": "lintel"}
    query = {**defaults, **VANISHED_PEER, **parsed.query}
    if has_sessions:
        own = parsed.query.get("options", "")
        query["options"] = f"{_session_options(settings)} {own}".strip()
    return parsed.set(query=query)


def _session_options(settings: DatabaseSettings) -> str:
    deadlines = {
        "statement_timeout": settings.statement_timeout,
        "lock_timeout": settings.lock_timeout,
        "idle_in_transaction_session_timeout": settings.idle_in_transaction_timeout,
        "client_connection_check_interval": settings.client_check_interval,
    }
    # 0 stands for no deadline at all, so what is short is one millisecond at least.
    options = [f"-c {name}={math.ceil(seconds * 1000)}" for name, seconds in deadlines.items()]
    return " ".join([*options, "-c TimeZone=UTC"])


def _refuse_closed(pooled: Any, *_: object) -> None:
    """Let the pool replace a connection that the server has closed, without asking the server.

    An idle connection has nothing to say. If there is something to read, it is a goodbye; a
    ping would find that out as well, but costs every request a round trip.
    """
    # The async engine's connections are wrapped to look like those of the sync one.
    connection: psycopg.Connection[Any] = getattr(pooled, "driver_connection", pooled)
    if connection.closed or _is_readable(connection.fileno()):
        raise InvalidatePoolError


def _end_transaction(pooled: Any, *_: object) -> None:
    """Give a connection back without a transaction; the pool itself would ask each of them."""
    connection: psycopg.Connection[Any] = getattr(pooled, "driver_connection", pooled)
    if connection.info.transaction_status != TransactionStatus.IDLE:
        pooled.rollback()


def _is_readable(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _discard_read_only(context: ExceptionContext) -> None:
    """Drop connections to a server that became read-only.

    After a failover they would stay read-only for ever, and the pool's ping likes them.
    """
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY_TRANSACTION:
        context.is_disconnect = True

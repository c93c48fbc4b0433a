"""A server that neither answers nor hangs up is given up.

The deadlines of `project.db.engine` are the server's own: PostgreSQL ends what takes too long. A
server that is frozen, with its machine or alone, ends nothing, and keeps its sockets open; libpq
would wait for it for ever, and the thread with it. So whoever waits for a statement on behalf of a
request gives up soon after the server should have.
"""

from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

from project.deadline import current_deadline

T = TypeVar("T")

GRACE = 2.0
"""Seconds that the server's own refusal may take to arrive."""

INTERVAL = 0.1
"""Seconds between looks whether the process was interrupted; psycopg's own default."""


_opened: WeakKeyDictionary[Engine, "WeakSet[PatientConnection]"] = WeakKeyDictionary()


class PatientConnection(psycopg.Connection[Any]):
    """Waits for an answer in a request for `patience` seconds; a command waits as long as it takes.

    Raises psycopg.OperationalError past them, and is closed: what the server has done is unknown.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[T], interval: float = INTERVAL, timeout: float | None = None) -> T:
        if timeout is None and current_deadline.get() is not None:
            timeout = self.patience
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            _close_unanswered(self)
            raise


class PatientAsyncConnection(psycopg.AsyncConnection[Any]):
    """The same for `async def` routes."""

    patience: float | None = None

    async def wait(
        self,
        gen: PQGen[T],
        interval: float = INTERVAL,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's own
    ) -> T:
        if timeout is None and current_deadline.get() is not None:
            timeout = self.patience
        try:
            return await super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            _close_unanswered(self)
            raise


def _close_unanswered(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> None:
    """Close a connection whose statement still runs, as far as we know."""
    if connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
        connection.pgconn.finish()


def bound_waiting(engine: Engine, statement_timeout: float) -> None:
    """Make the engine's connections patient for the seconds that a statement has, and the grace."""
    patience = statement_timeout + GRACE
    opened = _opened.setdefault(engine, WeakSet())

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, words: list[Any], arguments: dict[str, Any]) -> Any:
        connection = PatientConnection.connect(*words, **arguments)
        connection.patience = patience
        opened.add(connection)
        return connection


def cancel_running(engine: Engine) -> None:
    """Ask the server to end what the engine's connections still do: nobody waits for it any more.

    Whoever waits in a thread hears of it at once. Blocks for `GRACE` seconds at most for each.
    """
    for connection in list(_opened.get(engine, ())):
        if not connection.closed and connection.info.transaction_status == TransactionStatus.ACTIVE:
            with suppress(psycopg.Error):  # a server that is gone has ended it, too
                connection.cancel_safe(timeout=GRACE)


def patient_creator(statement_timeout: float) -> Any:
    """Return the same for an async engine, as its argument `async_creator_fn`."""
    patience = statement_timeout + GRACE

    async def connect(*words: Any, **arguments: Any) -> PatientAsyncConnection:
        connection = await PatientAsyncConnection.connect(*words, **arguments)
        connection.patience = patience
        return connection

    return connect

"""The replica's pool, and readings of it that can be cut off from outside."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker

from project.db.engine import create_pooled_engine
from project.db.reading import ReadingSession
from project.db.units import only_one
from project.settings import DatabaseSettings, ReplicaSettings

LINE = "line"
CONNECT_TIMEOUT = 2
"""Seconds; libpq waits no shorter."""


class Line:
    """The socket of a connection, to be shut down while a thread waits for what comes of it.

    A frozen server answers nothing and closes nothing, and libpq waits for it for ever. The
    socket is a copy: the number of the connection's own could be another's by now.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)
        self._turn = threading.Lock()

    def cut(self) -> None:
        """Let whoever waits for an answer hear at once that there will be none."""
        with self._turn, suppress(OSError):  # it is closed already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._turn:
            self._socket.close()


class Reading:
    """One reading of the replica, in a thread; `cut` ends it from another one."""

    def __init__(self, engine: Engine, sessions: sessionmaker[ReadingSession]) -> None:
        self._engine = engine
        self._sessions = sessions
        self._line: Line | None = None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session that only reads, in autocommit. Raises WriteRefused for writes."""
        with only_one(), self._engine.connect() as connection:
            self._line = connection.info[LINE]
            try:
                with self._sessions(bind=connection) as session:
                    yield session
                    session.refuse_changes()
            finally:
                self._line = None

    def cut(self) -> None:
        """End it as if the server had gone.

        One that ends by itself at this very moment has given its connection to another, which
        is cut in its place, and reads from the primary instead: no harm.
        """
        if (line := self._line) is not None:
            line.cut()


class Replica:
    """The pool of the replica; as large as its lane, like that of the primary."""

    def __init__(self, settings: ReplicaSettings, database: DatabaseSettings) -> None:
        own = {
            "pool_size": settings.pool_size,
            "statement_timeout": settings.timeout,
            "connect_timeout": CONNECT_TIMEOUT,
        }
        self.engine = create_pooled_engine(str(settings.url), database.model_copy(update=own))
        self._sessions = sessionmaker(class_=ReadingSession, autoflush=False)
        event.listen(self.engine, "connect", _keep_line)
        event.listen(self.engine, "close", _close_line)

    def reading(self) -> Reading:
        """Return a reading that has not begun."""
        return Reading(self.engine, self._sessions)

    def close(self) -> None:
        """Give all connections back to the server."""
        self.engine.dispose()


def _keep_line(connection: "psycopg.Connection[Any]", record: Any) -> None:
    record.info[LINE] = Line(connection.fileno())


def _close_line(_: object, record: Any) -> None:
    record.info.pop(LINE).close()

"""Units of work: a session that begins, commits or rolls back in one place, or only reads."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from project.db.asynchronous import AsyncDatabase
from project.db.commit import follow_up
from project.db.engine import (
    begin_explicitly,
    create_async_pooled_engine,
    create_pooled_engine,
    create_single_engine,
    pooler_arguments,
    resolve_database_url,
)
from project.db.patience import cancel_running
from project.db.reading import ReadingSession
from project.db.replica.positions import (
    AFTER_COMMIT,
    EVERYTHING,
    current_writes,
    parse_position,
)
from project.db.units import only_one
from project.deadline import require_time
from project.settings import DatabaseSettings, Settings


class Database:
    """The database as the application sees it: an engine and its units of work.

    `engine` is in autocommit; `transactional` shares its pool, and begins before it works.
    """

    def __init__(self, engine: Engine, settings: DatabaseSettings | None = None) -> None:
        arguments = pooler_arguments(settings) if settings else {}
        self.engine = engine
        self.transactional = begin_explicitly(engine)
        self.sessions = sessionmaker(self.transactional, expire_on_commit=False)
        self.readers = sessionmaker(class_=ReadingSession, autoflush=False)
        self._unpooled = create_engine(
            engine.url, poolclass=NullPool, hide_parameters=True, connect_args=arguments
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> "Database":
        """Open the configured database, or the embedded one where none is configured."""
        engine = create_pooled_engine(resolve_database_url(settings), settings.database)
        return cls(engine, settings.database)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session; commit when the block ends, roll back when it raises or is too late.

        Only the edges call this: a request's hop, a command, a task. What `on_commit` was
        told follows. Raises SecondSession inside another unit of work.
        """
        with self.sessions() as session:
            with only_one(), session.begin():
                yield session
                require_time()
            if (written := current_writes.get()) is not None:
                written.note(self._end_of_log())
            follow_up(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that only reads: each statement is one round trip, not three.

        In READ COMMITTED, PostgreSQL's default, each statement sees its own snapshot anyway,
        so a transaction around reads gives nothing. Raises WriteRefused for writes.
        """
        with only_one(), self.connect() as connection, self.readers(bind=connection) as session:
            yield session
            session.refuse_changes()

    def _end_of_log(self) -> int:
        try:
            with self.connect() as connection:
                return parse_position(str(connection.scalar(text(AFTER_COMMIT))))
        except SQLAlchemyError:
            return EVERYTHING  # the commit stands, and nobody knows where

    def connect(self) -> AbstractContextManager[Connection]:
        """Take a connection out of the pool, in autocommit."""
        return self.engine.connect()

    @contextmanager
    def probe(self) -> Iterator[Connection]:
        """Open a connection outside the pool, for a look at the database's health."""
        with self._unpooled.connect() as connection:
            yield connection

    def open_asynchronous(
        self, settings: DatabaseSettings, gate: AbstractAsyncContextManager[None]
    ) -> AsyncDatabase:
        """Return the async side of the same database, with a pool of its own behind the gate."""
        engine = create_async_pooled_engine(self.engine, settings)
        direct = settings.direct_url and create_single_engine(settings.direct_url, settings)
        return AsyncDatabase(engine, gate, listening=direct or engine.sync_engine)

    def close(self) -> None:
        """Give all connections back to the server, and end what has outlived its request."""
        cancel_running(self.engine)
        self.engine.dispose()

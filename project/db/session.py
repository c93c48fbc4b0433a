"""One unit of work: a session that begins, commits or rolls back in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, NullPool, create_engine
from sqlalchemy.orm import Session, sessionmaker

from project.db.engine import create_pooled_engine, resolve_database_url
from project.settings import Settings


class Database:
    """The database as the application sees it: an engine and its units of work."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions = sessionmaker(engine, expire_on_commit=False)
        self._unpooled = create_engine(engine.url, poolclass=NullPool, hide_parameters=True)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Database":
        """Open the configured database, or the embedded one where none is configured."""
        return cls(create_pooled_engine(resolve_database_url(settings), settings.database))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session; commit when the block ends, roll back when it raises.

        Only the edges call this: a request's hop, a command, a task.
        """
        with self.sessions() as session, session.begin():
            yield session

    @contextmanager
    def probe(self) -> Iterator[Connection]:
        """Open a connection outside the pool, for a look at the database's health."""
        with self._unpooled.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back to the server."""
        self.engine.dispose()

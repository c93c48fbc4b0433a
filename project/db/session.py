"""Units of work: a session that begins, commits or rolls back in one place, or only reads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loguru import logger
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker

from project.db.engine import create_pooled_engine, resolve_database_url
from project.errors import ProjectError
from project.settings import Settings

ON_COMMIT = "on_commit"


def on_commit(session: Session, work: Callable[[], object]) -> None:
    """Call `work` once the transaction has been committed; never, if it is rolled back.

    It runs without a connection, in the thread that committed. If it fails, that is logged:
    what was asked for has been done and saved.
    """
    session.info.setdefault(ON_COMMIT, []).append(work)


class WriteRefused(ProjectError):
    """Something that only reads tried to write; nothing was saved."""

    def __init__(self) -> None:
        super().__init__(
            "A GET only reads, in autocommit, and this one tried to write. Use another method, "
            "or mark the endpoint @transactional (project.web.route)."
        )


class Database:
    """The database as the application sees it: an engine and its units of work."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions = sessionmaker(engine, expire_on_commit=False)
        self.readers = sessionmaker(
            engine.execution_options(isolation_level="AUTOCOMMIT"), autoflush=False
        )
        event.listen(self.readers, "do_orm_execute", _refuse_statement)
        event.listen(self.readers, "before_flush", _refuse_flush)
        self._unpooled = create_engine(engine.url, poolclass=NullPool, hide_parameters=True)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Database":
        """Open the configured database, or the embedded one where none is configured."""
        return cls(create_pooled_engine(resolve_database_url(settings), settings.database))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session; commit when the block ends, roll back when it raises.

        Only the edges call this: a request's hop, a command, a task. What `on_commit` was
        told follows.
        """
        with self.sessions() as session:
            with session.begin():
                yield session
            _follow_up(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that only reads: each statement is one round trip, not three.

        In READ COMMITTED, PostgreSQL's default, each statement sees its own snapshot anyway,
        so a transaction around reads gives nothing. Raises WriteRefused for writes.
        """
        with self.readers() as session:
            yield session
            if session.new or session.dirty or session.deleted:
                raise WriteRefused

    @contextmanager
    def probe(self) -> Iterator[Connection]:
        """Open a connection outside the pool, for a look at the database's health."""
        with self._unpooled.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back to the server."""
        self.engine.dispose()


def _refuse_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise WriteRefused


def _refuse_flush(*_: object) -> None:
    raise WriteRefused


def _follow_up(session: Session) -> None:
    for work in session.info.pop(ON_COMMIT, ()):
        try:
            work()
        except Exception:  # noqa: BLE001 - any failure comes too late to change the answer
            logger.exception("What had to follow a commit failed")

"""The suite's own database: real, migrated for real, and never the development database.

A template is built once for each state of the migrations; every worker of the suite clones
it. With DATABASE_URL set, both live on that server, beside the database it names; without,
on an embedded server of the suite's own that is fast because it may lose everything.
"""

import hashlib
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from typing import Any

from alembic import command
from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from project.db.asynchronous import AsyncDatabase
from project.db.base import Base
from project.db.embedded import ensure_running
from project.db.migrations import alembic_config
from project.db.session import Database
from project.settings import ROOT, DatabaseSettings, Settings
from project.tasks.tables import forget_jobs
from project.web.gate import Gate
from tests.people import SuiteBase

PREFIX = "test_lintel_"
HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
TEMPLATE_LOCK = 0x74657374  # "test" in ASCII
TEMPLATE_DEADLINE = 60.0


class TestDatabase(Database):
    """A database whose transactions, for one test, all live inside one that is rolled back."""

    __test__ = False  # not a test, in spite of its name

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._turn: threading.RLock | None = None
        self._connection: Connection | None = None

    @property
    def is_rolled_back(self) -> bool:
        """Whether the present test's transactions are all inside one."""
        return self._turn is not None

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Put every transaction into a savepoint of one connection, and undo them all.

        Requests of such a test take turns, since they share the connection.
        """
        with self.transactional.connect() as connection:
            everything = connection.begin()
            self.sessions.configure(bind=connection, join_transaction_mode="create_savepoint")
            self.readers.configure(join_transaction_mode="rollback_only")  # see `connect`
            self._connection, self._turn = connection, threading.RLock()
            try:
                yield
            finally:
                self._connection = self._turn = None
                super().__init__(self.engine)
                everything.rollback()

    @contextmanager
    def committed(self) -> Iterator[None]:
        """Let transactions commit for real; empty every table afterwards."""
        try:
            yield
        finally:
            with self.transactional.begin() as connection:
                # The history of changes lets itself be emptied by nobody else.
                connection.execute(text("SELECT set_config('audit.may_delete', 'on', true)"))
                forget_jobs(connection)
                for metadata in (Base.metadata, SuiteBase.metadata):
                    for table in reversed(metadata.sorted_tables):
                        connection.execute(table.delete())

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        if self._connection is None:
            with super().connect() as connection:
                yield connection
        else:
            with self._connection.begin_nested():
                yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self._turn or nullcontext(), super().transaction() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._turn or nullcontext(), super().reading() as session:
            yield session

    def open_asynchronous(
        self, settings: DatabaseSettings, gate: AbstractAsyncContextManager[None]
    ) -> AsyncDatabase:
        opened = super().open_asynchronous(settings, gate)
        return TestAsyncDatabase(self, opened.engine, gate)

    def close(self) -> None:
        """Outlive the application of one test."""


class TestAsyncDatabase(AsyncDatabase):
    """The async side of the same: in a test that is rolled back, on the same one connection.

    There an async session wraps a sync one, which blocks the loop for the moment of a query.
    Its requests take turns as well, without a lock that would block the loop for longer. One
    that used both sides at once would wait for itself.
    """

    __test__ = False

    def __init__(
        self,
        database: TestDatabase,
        engine: AsyncEngine,
        gate: AbstractAsyncContextManager[None],
    ) -> None:
        super().__init__(engine, gate)
        self._database = database
        self._one = Gate("test", size=1, queue_size=1000, queue_timeout=60.0)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        own = self._in_turn(self._database.transaction)
        async with own if self._database.is_rolled_back else super().transaction() as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        own = self._in_turn(self._database.reading)
        async with own if self._database.is_rolled_back else super().reading() as session:
            yield session

    @asynccontextmanager
    async def _in_turn(
        self, unit: Callable[[], AbstractContextManager[Session]]
    ) -> AsyncIterator[AsyncSession]:
        async with self._gate, self._one:
            with unit() as session:
                make: Any = lambda **_: session  # noqa: E731 - where a class is asked for
                yield AsyncSession(sync_session_class=make)


def wait_until_blocked(session: Session) -> None:
    """Wait until another session of this database waits for a lock; half a minute at most."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    for _ in range(3_000):
        if session.scalar(waiting):
            return
        session.execute(text("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)"))
    raise TimeoutError("Nobody waits for a lock.")


@contextmanager
def worker_database(settings: Settings, worker: str) -> Iterator[URL]:
    """Clone the template for one worker of the suite, and drop the clone at the end."""
    server = _server_url(settings)
    name = own_name(worker)
    with _administration(server) as connection:
        _drop_orphans(connection)
        template = _ensure_template(connection, server)
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        _unlock(connection)
    try:
        yield server.set(database=name)
    finally:
        with _administration(server) as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def own_name(purpose: str) -> str:
    """Name a database of this process: others may share the server, even from other machines."""
    return f"{PREFIX}{purpose}_{secrets.token_hex(3)}_{HOST}_{os.getpid()}"


def template_name() -> str:
    """Name the template for these migrations."""
    return f"{PREFIX}template_{_fingerprint()}"


def _server_url(settings: Settings) -> URL:
    if settings.database.url:
        return make_url(settings.database.url)
    directory = settings.data_directory / "postgres-test"
    return make_url(ensure_running(directory, durable=False))


@contextmanager
def _administration(server: URL) -> Iterator[Connection]:
    engine = create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _ensure_template(connection: Connection, server: URL) -> str:
    """Build the template for these migrations if nobody has; holds the lock afterwards."""
    name = template_name()
    _lock(connection)
    exists = connection.scalar(
        text("SELECT true FROM pg_database WHERE datname = :name AND datistemplate"),
        {"name": name},
    )
    if not exists:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        _migrate(server.set(database=name))
        # Marked only when complete: a killed build is not mistaken for a template.
        connection.execute(text(f'ALTER DATABASE "{name}" IS_TEMPLATE true'))
    return name


def _migrate(url: URL) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        command.upgrade(alembic_config(connection), "head")
    engine.dispose()


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "migrations").rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _lock(connection: Connection) -> None:
    deadline = time.monotonic() + TEMPLATE_DEADLINE
    query = text("SELECT pg_try_advisory_lock(:key)")
    while not connection.scalar(query, {"key": TEMPLATE_LOCK}):
        if time.monotonic() > deadline:
            raise TimeoutError("Another run of the suite has been cloning for a minute.")
        time.sleep(0.02)  # polling: a blocking wait would hold a snapshot


def _unlock(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": TEMPLATE_LOCK})


def _drop_orphans(connection: Connection) -> None:
    """Drop the databases that killed runs of this machine left behind."""
    names = connection.scalars(
        text(
            "SELECT datname FROM pg_database d WHERE datname LIKE :prefix AND NOT datistemplate "
            "AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)"
        ),
        {"prefix": f"{PREFIX}%"},
    )
    for name in names.all():
        host, _, process = name.rpartition("_")
        is_of_this_machine = host.endswith(f"_{HOST}") and process.isdigit()
        if is_of_this_machine and not _is_running(int(process)):
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))


def _is_running(process: int) -> bool:
    if sys.platform == "win32":
        return True  # there is no harmless signal to ask with; what is left over stays
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

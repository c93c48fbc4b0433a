"""A stage for faults: a PostgreSQL server of its own that may be hurt, and servers on it.

What is done to it is real: signals to its processes, limits of its own configuration, a full disk.
Nobody else is on it, and `mend` makes it whole again.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import make_url

from project.db.embedded import EmbeddedServer
from tests.processes import Server, environment_for, run_manage, serving, until

DATABASE = "lintel"
Mode = Literal["fast", "immediate"]
STOPS: dict[Mode, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}

CLIENTS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


class Stage:
    """The database server, its migrated database, and where logs go."""

    def __init__(self, postgres: EmbeddedServer, folder: Path) -> None:
        self.postgres = postgres
        self.folder = folder
        self.url = make_url(postgres.url(DATABASE))

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement past the application, in autocommit."""
        with self.connect() as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def connect(self) -> psycopg.Connection[Any]:
        conninfo = make_conninfo(dbname=DATABASE, **self.postgres.address.connection_parameters())
        return psycopg.connect(conninfo, autocommit=True, connect_timeout=10)

    def number(self, query: str, *values: object) -> int:
        """Return the one number that a query asks for."""
        [[number]] = self.ask(query, *values)
        return int(number)

    def backends(self) -> list[int]:
        """List the processes that serve clients of the database."""
        return [pid for (pid,) in self.ask(CLIENTS)]

    def backends_at_work(self) -> list[int]:
        """List those of them that are in a transaction."""
        return [pid for (pid,) in self.ask(f"{CLIENTS} AND state <> 'idle'")]

    @contextmanager
    def serving(self, *words: str, first: str = "/", **variables: str) -> Iterator[Server]:
        """Start the application on this database; `variables` are settings."""
        env = environment_for(self.url, **variables)
        log = self.folder / f"server-{time.monotonic_ns()}.log"
        command = ("runserver", "--no-reload", *words)
        with serving(*command, env=env, log=log, first=first) as server:
            yield server

    def stop(self, mode: Mode) -> None:
        """End PostgreSQL as `pg_ctl stop -m MODE` does, and wait for its end."""
        self._signal(STOPS[mode], [self.postmaster])
        self._wait_for_end()

    def crash(self) -> None:
        """Kill every process of PostgreSQL with no chance to say anything."""
        self._signal(signal.SIGKILL, self.processes())
        self._wait_for_end()

    def crash_backend(self) -> None:
        """Kill one process that serves a client: PostgreSQL restarts by itself, and recovers."""
        self._signal(signal.SIGKILL, self.backends()[:1])

    def start(self) -> float:
        """Start PostgreSQL again; return the moment (`time.monotonic`) when it took clients."""
        self.postgres.start()
        return time.monotonic()

    @contextmanager
    def frozen(self, processes: Sequence[int]) -> Iterator[None]:
        """Stop processes where they stand, as a machine that hangs."""
        self._signal(signal.SIGSTOP, processes)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT, processes)

    @staticmethod
    def now() -> float:
        """Return the moment on the clock of all ledgers, `time.monotonic`."""
        return time.monotonic()

    def takes_clients(self) -> bool:
        try:
            self.ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def cut_off_clients(self) -> None:
        """End all connections but our own."""
        self.ask(f"SELECT pg_terminate_backend(pid, 5000) FROM ({CLIENTS}) c")  # noqa: S608

    @contextmanager
    def all_connections_taken(self) -> Iterator[None]:
        """Cut off everybody, and take every place there is."""
        taken: list[psycopg.Connection[Any]] = []
        self.cut_off_clients()
        with ExitStack() as stack:
            with suppress(psycopg.OperationalError):  # the first that is refused
                while True:
                    taken.append(stack.enter_context(self.connect()))
            assert len(taken) > 1
            yield

    def fill(self, insertion: str) -> None:
        """Insert until there is no room for it."""
        with suppress(psycopg.errors.DiskFull):
            while True:
                self.ask(insertion)

    @contextmanager
    def only_reading(self) -> Iterator[None]:
        """Let every new session refuse changes, as a standby does; cut off the others."""
        self.ask(f'ALTER DATABASE "{DATABASE}" SET default_transaction_read_only = on')
        self.cut_off_clients()
        try:
            yield
        finally:
            self.change(f'ALTER DATABASE "{DATABASE}" RESET default_transaction_read_only')

    def change(self, statement: str) -> None:
        """Run a statement that changes something, even while only reading is allowed."""
        with self.connect() as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(statement)

    def mend(self) -> None:
        """Bring PostgreSQL back to how it was made, whatever a test has done to it."""
        self._signal(signal.SIGCONT, self.processes())
        self.postgres.start()
        self.ask("ALTER SYSTEM RESET ALL")
        self.change(f'ALTER DATABASE "{DATABASE}" RESET ALL')
        self.ask("SELECT pg_reload_conf()")

    @property
    def postmaster(self) -> int:
        pid = self.postgres.status().pid
        assert pid is not None, "PostgreSQL does not run."
        return pid

    def processes(self) -> list[int]:
        """List the postmaster and its children."""
        lines = (self.postgres.directory / "postmaster.pid").read_text().splitlines()
        postmaster = int(lines[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
        return [postmaster, *map(int, children.read_text().split())]

    def _wait_for_end(self) -> None:
        until(lambda: not self.postgres.status().is_running, "PostgreSQL's end")

    def _signal(self, number: signal.Signals, processes: Sequence[int]) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Set the stage: durable, unlike the suite's own server, for this one shall survive blows."""
    postgres = EmbeddedServer(folder / "postgres")
    try:
        postgres.start()
        postgres.create_database(DATABASE)
        stage = Stage(postgres, folder)
        result = run_manage("migrate", env=environment_for(stage.url))
        assert result.returncode == 0, result.stderr
        yield stage
    finally:
        postgres.stop()

"""The embedded server as the rest of the project sees it."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from project.db.embedded import cluster, postmaster
from project.db.embedded.address import SocketAddress, address_of
from project.db.embedded.errors import EmbeddedServerError
from project.db.embedded.locks import exclusive, poll

if TYPE_CHECKING:
    from collections.abc import Iterator

    from project.db.embedded.address import Address

_EVICTION_SECONDS = 5.0


@dataclass(frozen=True)
class ServerStatus:
    """`pid` is None unless the server runs; `is_created` says whether there is any data."""

    directory: Path
    is_created: bool
    is_running: bool
    pid: int | None
    url: str


def ensure_running(directory: Path, *, durable: bool = True, database: str = "lintel") -> str:
    """Start the server and create the database where needed; returns the database's URL.

    Costs one short connection when all is there already.
    """
    server = EmbeddedServer(directory, durable=durable)
    server.start()
    server.create_database(database)
    return server.url(database)


class EmbeddedServer:
    """A PostgreSQL server that keeps its data in `directory` and belongs to this user.

    With `durable` off it trades safety in a power cut for speed, as a test cluster may.
    `timeout` (seconds) bounds each wait: for other processes, for start and for stop.
    """

    def __init__(self, directory: Path, *, durable: bool = True, timeout: float = 30.0) -> None:
        # Resolved, so that one directory has one address, by whichever link it is reached.
        self.directory = Path(directory).resolve()
        self.durable = durable
        self.timeout = timeout
        self.address: Address = address_of(self.directory)

    def url(self, database: str = "lintel") -> str:
        """A SQLAlchemy URL that stays the same over every restart."""
        return self.address.url(database)

    def is_ready(self) -> bool:
        """Whether the server accepts connections. Under a millisecond: commands ask often."""
        found = postmaster.read_pid_file(self.directory)
        if found is None or not found.is_ready:
            return False
        return postmaster.listener_pid(self.address) == found.pid

    def status(self) -> ServerStatus:
        cluster.check_owner(self.directory)
        found = postmaster.read_pid_file(self.directory)
        is_running = self.is_ready()
        return ServerStatus(
            directory=self.directory,
            is_created=cluster.is_created(self.directory),
            is_running=is_running,
            pid=found.pid if found and is_running else None,
            url=self.url(),
        )

    def start(self) -> None:
        """Start the server unless it runs; safe for several processes at once."""
        if self.is_ready():
            return
        with self._exclusive() as lock:
            if self.is_ready():
                return
            self.address.prepare()
            self._evict_stranger()
            if not self._settle():
                self._create(lock)
                self._launch()

    def stop(self) -> bool:
        """Shut the server down in order and wait for its end; false if it did not run."""
        if not self.directory.exists():
            return False
        with self._exclusive():
            was_running = self._stop()
            self.address.discard()
        return was_running

    def reset(self) -> None:
        """Stop the server and delete its data. The next start begins with an empty cluster."""
        if not self.directory.parent.exists():
            return
        with self._exclusive():
            self._stop()
            cluster.delete_cluster(self.directory)
            self.address.discard()

    def create_database(self, name: str) -> None:
        """Create the database if it is missing."""
        try:
            with postmaster.connect(self.address, self.timeout) as connection:
                query = "SELECT FROM pg_database WHERE datname = %s"
                if connection.execute(query, [name]).rowcount == 0:
                    _create_database(connection, name)
        except psycopg.Error as error:
            raise EmbeddedServerError(
                f"The embedded PostgreSQL cannot give a database {name!r}: {_one_line(error)}"
            ) from error

    @contextmanager
    def _exclusive(self) -> Iterator[int]:
        """One process at a time starts, stops or deletes."""
        cluster.check_owner(self.directory)
        lock_file = self.directory.with_name(f"{self.directory.name}.lock")
        try:
            lock_file.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(lock_file, self.timeout) as lock:
                yield lock
        except OSError as error:
            raise EmbeddedServerError(
                f"The embedded PostgreSQL cannot use {error.filename or self.directory} "
                f"({error.strerror}): mend that, or set DATABASE_URL."
            ) from error

    def _evict_stranger(self) -> None:
        """End a server of ours that holds our address for data that is no longer here.

        That is what deleting or moving the directory under a running server leaves. Its number
        comes from the kernel and the folder is private, so it cannot be anybody else's.
        """
        if sys.platform == "win32":
            return
        pid = postmaster.listener_pid(self.address)
        found = postmaster.read_pid_file(self.directory)
        if pid is None or (found is not None and found.pid == pid):
            return
        for number in (signal.SIGINT, signal.SIGQUIT):
            postmaster.signal_process(pid, number)
            if poll(lambda: postmaster.listener_pid(self.address) != pid, _EVICTION_SECONDS):
                return

    def _settle(self) -> bool:
        """Wait for a server that is coming up or going down; true if it came up.

        A starter that was killed leaves the first kind, a killed server the second: its
        remaining processes end by themselves.
        """
        self._interrupt_moved()
        if not poll(lambda: self.is_ready() or not self._is_alive(), self.timeout):
            raise EmbeddedServerError(
                f"A PostgreSQL process still uses {self.directory} but does not answer at "
                f"{self.address}: end it, or set DATABASE_URL."
            )
        return self.is_ready()

    def _interrupt_moved(self) -> None:
        """Stop our server where it still listens at the address of a former directory."""
        pid = self._moved_pid()
        if pid is not None:
            postmaster.interrupt(self.directory, pid)

    def _moved_pid(self) -> int | None:
        found = postmaster.read_pid_file(self.directory)
        if found is None or not isinstance(self.address, SocketAddress):
            return None
        former = SocketAddress(Path(found.socket_folder))
        is_there = former != self.address and postmaster.listener_pid(former) == found.pid
        return found.pid if is_there else None

    def _is_alive(self) -> bool:
        return postmaster.is_alive(self.directory)

    def _create(self, lock: int) -> None:
        cluster.check_contents(self.directory)
        if not cluster.is_created(self.directory):
            cluster.create_cluster(self.directory, self.address, durable=self.durable, lock=lock)

    def _launch(self) -> None:
        postmaster.remove_stale_files(self.directory, self.address)
        cluster.configure(self.directory, self.address, durable=self.durable)
        log_size = cluster.rotate_log(self.directory)
        postmaster.launch(self.directory, self.timeout)
        poll(lambda: self.is_ready() or not self._is_alive(), self.timeout)
        if not self.is_ready():
            outcome = "is not ready yet" if self._is_alive() else "did not start"
            raise EmbeddedServerError(
                f"The embedded PostgreSQL {outcome}: "
                f"{cluster.last_words(self.directory, log_size)} (mend that, or set DATABASE_URL)"
            )
        self._try_connection()

    def _try_connection(self) -> None:
        try:
            postmaster.connect(self.address, self.timeout).close()
        except psycopg.Error as error:
            raise EmbeddedServerError(
                f"The embedded PostgreSQL runs but refuses us: {_one_line(error)}"
            ) from error

    def _stop(self) -> bool:
        pid = self._moved_pid() or self._running_pid()
        if pid is None and not self._is_alive():
            return False
        if pid is not None:
            postmaster.interrupt(self.directory, pid)
        if not poll(self._is_gone, self.timeout):
            raise EmbeddedServerError(
                f"The embedded PostgreSQL did not stop within {self.timeout:g} s; "
                f"{self.directory / cluster.LOG_NAME} says more."
            )
        return True

    def _running_pid(self) -> int | None:
        """The number of our server, starting ones included, if it is proved to be ours."""
        found = postmaster.read_pid_file(self.directory)
        pid = postmaster.listener_pid(self.address)
        return pid if found is not None and found.pid == pid else None

    def _is_gone(self) -> bool:
        return not self._is_alive() and self._running_pid() is None


def _create_database(connection: psycopg.Connection, name: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    try:
        connection.execute(statement)
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return  # another process was faster


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())

"""A real primary with a real streaming replica, made of two embedded servers."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from project.db.embedded import EmbeddedServer
from project.db.embedded.address import SocketAddress
from project.db.embedded.binaries import program, server_environment
from project.settings import DatabaseSettings, ReplicaSettings, Settings
from tests.processes import until


class Pair:
    """Two servers; what is said to one of them is in autocommit."""

    def __init__(self, primary: EmbeddedServer, standby: EmbeddedServer) -> None:
        self.primary = primary
        self.standby = standby

    def settings(self, settings: Settings, **replica: Any) -> Settings:
        """Settings of an application that has both; `replica` are more of ReplicaSettings."""
        return settings.model_copy(
            update={
                "database": DatabaseSettings(url=self.primary.url()),
                "replica": ReplicaSettings(**{"url": self.standby.url(), **replica}),
            }
        )

    def say(self, server: EmbeddedServer, statement: str) -> Any:
        """Run a statement; return the first value of what it answers."""
        conninfo = make_conninfo(dbname="lintel", **server.address.connection_parameters())
        with psycopg.connect(conninfo, autocommit=True) as connection:
            cursor = connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row and row[0]

    def pause(self) -> None:
        """Let the replica receive, and replay nothing."""
        self.say(self.standby, "SELECT pg_wal_replay_pause()")
        until(self._is_paused, "the replica's pause")

    def _is_paused(self) -> bool:
        state = self.say(self.standby, "SELECT pg_get_wal_replay_pause_state()")
        return bool(state == "paused")

    def resume(self) -> None:
        self.say(self.standby, "SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Wait until the replica has replayed all there is."""
        end = self.say(self.primary, "SELECT pg_current_wal_flush_lsn()")
        query = f"SELECT pg_last_wal_replay_lsn() >= '{end}'"
        until(lambda: self.say(self.standby, query), "the replica to catch up")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop every process of the replica where it stands, as a machine that hangs."""
        processes = self._processes()
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def _processes(self) -> list[int]:
        postmaster = self.standby.status().pid
        assert postmaster is not None
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text()
        return [postmaster, *map(int, children.split())]


@contextmanager
def streaming(folder: Path) -> Iterator[Pair]:
    """Start both; they are ended afterwards, whatever became of them."""
    primary, standby = (EmbeddedServer(folder / name) for name in ("primary", "standby"))
    try:
        primary.start()
        primary.create_database("lintel")
        copy(primary, standby)
        standby.start()
        yield Pair(primary, standby)
    finally:
        for server in (standby, primary):
            server.stop()


def copy(primary: EmbeddedServer, standby: EmbeddedServer) -> None:
    """Make the standby's files, which say whom it follows."""
    assert isinstance(primary.address, SocketAddress)
    command = [
        *(program("pg_basebackup"), "--write-recovery-conf", "--checkpoint=fast"),
        *("--host", str(primary.address.folder), "--port", str(primary.address.port)),
        *("--username", "postgres", "--pgdata", str(standby.directory)),
    ]
    subprocess.run(command, env=server_environment(), check=True, capture_output=True)

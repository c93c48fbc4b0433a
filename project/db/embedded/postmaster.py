"""The server process: launched, recognised, interrupted.

A process number alone proves nothing: the number in postmaster.pid may be somebody else's by
now, or a zombie's. Two things do prove something. The lock `lintel.alive` in the data directory
is inherited by the server and every process it starts: whoever holds it is ours and lives. And
the process that listens at our socket is named by the kernel. Only a process that is named so is
ever signalled.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from project.db.embedded.address import Address, SocketAddress
from project.db.embedded.binaries import program, server_command, server_environment
from project.db.embedded.cluster import LOG_NAME
from project.db.embedded.errors import EmbeddedServerError
from project.db.embedded.locks import is_locked, open_lock, poll, try_lock

_ALIVE = "lintel.alive"
_PID_FILE_LINES = 8


@dataclass(frozen=True)
class PidFile:
    """What a server wrote into postmaster.pid; it may be long dead."""

    pid: int
    socket_folder: str
    is_ready: bool


def read_pid_file(directory: Path) -> PidFile | None:
    """None where there is no such file, or a broken or unfinished one."""
    try:
        lines = (directory / "postmaster.pid").read_text(errors="replace").splitlines()
    except OSError:
        return None
    if len(lines) < _PID_FILE_LINES or not lines[0].isdecimal():
        return None
    return PidFile(int(lines[0]), lines[4], is_ready=lines[7].strip() == "ready")


def remove_stale_files(directory: Path, address: Address) -> None:
    """Remove what a dead server left, so that a reused process number does not count as it.

    To be called only when nothing of the server lives. Should one live all the same, the new
    server still finds its shared memory in use and ends.
    """
    (directory / "postmaster.pid").unlink(missing_ok=True)
    if isinstance(address, SocketAddress) and not address.answers():
        address.lock_file.unlink(missing_ok=True)
        address.socket.unlink(missing_ok=True)


def listener_pid(address: Address) -> int | None:
    """The number of the server process that listens at the address; None if nobody does."""
    if sys.platform == "linux" and isinstance(address, SocketAddress):
        return _listener_by_kernel(address)
    return _listener_by_query(address)


def connect(address: Address, timeout: float = 10) -> psycopg.Connection:
    """A connection to the maintenance database, in autocommit."""
    conninfo = make_conninfo(
        dbname="postgres",
        connect_timeout=max(2, int(timeout)),
        **address.connection_parameters(),
    )
    return psycopg.connect(conninfo, autocommit=True)


if sys.platform == "win32":
    # Not run there yet. pg_ctl sheds administrator rights, which postgres.exe refuses, and
    # signals through a named pipe that only a server of PostgreSQL has.

    def launch(directory: Path, timeout: float) -> None:
        _pg_ctl(directory, "start", "-s", "-W", "-l", str(directory / LOG_NAME))
        poll(lambda: read_pid_file(directory) is not None, timeout)

    def is_alive(directory: Path) -> bool:
        return _pg_ctl(directory, "status") == 0

    def interrupt(directory: Path, pid: int) -> None:  # noqa: ARG001 - pg_ctl reads it itself
        _pg_ctl(directory, "stop", "-W", "-m", "fast")

    def _pg_ctl(directory: Path, *arguments: str) -> int:
        return subprocess.run(
            [program("pg_ctl"), "-D", str(directory), *arguments],
            env=server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode

else:

    def launch(directory: Path, timeout: float) -> None:
        """Start the server in a session of its own; it outlives us, whatever ends us.

        The shell in between leaves at once, so that the server is no child of ours: it can
        neither become our zombie nor warn about itself when we end.
        """
        command = server_command("postgres", "-D", str(directory))
        alive = open_lock(directory / _ALIVE)
        try:
            if not poll(lambda: try_lock(alive), timeout):
                raise EmbeddedServerError(f"A server still runs on {directory}.")
            with (directory / LOG_NAME).open("ab") as log:
                subprocess.run(
                    ["/bin/sh", "-c", '"$@" &', "sh", *command],
                    env=server_environment(),
                    cwd=directory,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=(alive,),
                    check=False,
                )
        finally:
            os.close(alive)

    def is_alive(directory: Path) -> bool:
        """Whether any process of the server lives, be it an orphan that is about to end."""
        return is_locked(directory / _ALIVE)

    def interrupt(directory: Path, pid: int) -> None:  # noqa: ARG001 - Windows needs it
        """Ask for a fast shutdown; `pid` must have come from `listener_pid` just now."""
        signal_process(pid, signal.SIGINT)


def signal_process(pid: int, number: signal.Signals) -> None:
    # 0 and below would mean whole groups of processes, ours among them; 1 is never a server.
    if pid > 1:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return


def _listener_by_kernel(address: SocketAddress) -> int | None:
    if sys.platform != "linux":
        return None
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(address.socket))
        except OSError:
            return None
        # The peer's credentials are those of the process that called listen().
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid: int = struct.unpack("3i", credentials)[0]
    return pid


def _listener_by_query(address: Address) -> int | None:
    """Let the server that answers read its own postmaster.pid to us."""
    try:
        with connect(address, timeout=2) as connection:
            row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
    except psycopg.Error:
        return None
    return int(str(row[0]).split()[0]) if row else None

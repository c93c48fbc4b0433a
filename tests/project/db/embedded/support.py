"""What the tests of the embedded server do with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from project.db.embedded.address import SocketAddress

if TYPE_CHECKING:
    from collections.abc import Callable

    from project.db.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parents[4]
ENSURE = """
import sys
from pathlib import Path
from project.db.embedded import ensure_running
print(ensure_running(Path(sys.argv[1]), durable=False, database="shop"))
"""


def query(server: EmbeddedServer, statement: str) -> object:
    url = server.url("postgres").replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def starter(server: EmbeddedServer) -> subprocess.Popen[str]:
    """Another process that makes the server run."""
    return subprocess.Popen(
        [sys.executable, "-c", ENSURE, str(server.directory)],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def kill_postmaster(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not server.is_ready())
    return pid


def socket_of(server: EmbeddedServer) -> SocketAddress:
    assert isinstance(server.address, SocketAddress)
    return server.address

"""What tests of several workers share: who they are, and clients that keep a ledger."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import Server


def workers_of(server: Server) -> list[str]:
    """List the ids of the processes that have been started to serve."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    if not children.exists():
        pytest.skip("needs /proc, which is Linux' own platform")
    return [pid for pid in children.read_text().split() if b"spawn_main" in _command(pid)]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""  # it has ended since


class Client(threading.Thread):
    """Asks again and again over connections kept alive, and writes down every outcome."""

    def __init__(self, port: int, *, is_kept_alive: bool) -> None:
        super().__init__()
        self.statuses = list[int]()
        self.failures = list[Exception]()
        self.is_over = threading.Event()
        self._port = port
        self._is_kept_alive = is_kept_alive

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self.is_over.is_set():
            try:
                connection.request("GET", "/health/live")
                with connection.getresponse() as response:
                    response.read()
                self.statuses.append(response.status)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
                connection.close()
            if not self._is_kept_alive:
                connection.close()
        connection.close()


@contextmanager
def clients_of(server: Server, number: int) -> Iterator[list[Client]]:
    """Let clients ask, every other one over a new connection each time, until the block ends."""
    clients = [Client(server.port, is_kept_alive=index % 2 == 0) for index in range(number)]
    for client in clients:
        client.start()
    try:
        yield clients
    finally:
        for client in clients:
            client.is_over.set()
        for client in clients:
            client.join()

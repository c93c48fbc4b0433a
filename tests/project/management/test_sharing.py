"""How workers share connections: what the board says, and what a worker makes of it."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import URL
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from project.management.draining_http import DrainingHttp
from project.management.listening import bind
from project.management.sharing import Board, SharingServer
from tests.database import TestDatabase
from tests.processes import DEADLINE, Server, environment_for, fresh_database, serving, until
from tests.project.management.workers import workers_of

ESTABLISHED = "01"


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


def test_who_has_more_than_another_is_over_its_share() -> None:
    board = Board(4)
    first, second, starting = (board.take_seat() for _ in range(3))
    board.tell(first, connections=2)
    board.tell(second, connections=1)
    assert board.is_over_share(first)
    assert not board.is_over_share(second)
    assert not board.has_served(starting)


def test_seats_are_taken_again() -> None:
    board = Board(2)
    first, second = board.take_seat(), board.take_seat()
    board.tell(first, connections=0, requests=9)
    board.tell(second, connections=1)
    board.leave_seat(first)
    assert not board.is_over_share(second)
    assert board.take_seat() == first
    assert board.requests_of(first) == 0


def test_connections_are_shared_evenly(url: URL, tmp_path: Path) -> None:
    """Each of three workers has its third, give or take one, of those that are kept alive."""
    words = ("runserver", "--workers", "3")
    with serving(*words, env=environment_for(url), log=tmp_path / "log") as server:
        until(lambda: len(workers_of(server)) == 3, "the workers")
        until(lambda: count_serving(server) == 3, "all of them serve")
        until(lambda: sum(shares(server)) == 0, "the end of earlier connections")
        clients = [http.client.HTTPConnection("127.0.0.1", server.port) for _ in range(24)]
        for client in clients:
            client.request("GET", "/health/live")
            client.getresponse().read()
        assert sum(shares(server)) == 24
        assert max(shares(server)) - min(shares(server)) <= 2
        for client in clients:
            client.close()


def count_serving(server: Server) -> int:
    return server.output.count("Application startup complete")


def shares(server: Server) -> list[int]:
    """Count the open connections of each worker, by what Linux tells about its files."""
    fields = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    own = f":{server.port:04X}"
    found = {f"socket:[{it[9]}]" for it in fields if it[1].endswith(own) and it[3] == ESTABLISHED}
    return [len(files_of(pid) & found) for pid in workers_of(server)]


def files_of(pid: str) -> set[str]:
    return {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}


@pytest.mark.parametrize("number", [1, 20])
def test_nobody_waits_for_who_hangs(number: int) -> None:
    """Another worker has no connection and takes none, so this one takes all."""
    board = Board(2)
    board.tell(board.take_seat(), connections=0)
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("served"))])
    config = uvicorn.Config(app, http=DrainingHttp, log_config=None, lifespan="off")
    server = SharingServer(config, board, board.take_seat())
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
        for connection in connections:
            with closing(connection):
                connection.settimeout(DEADLINE)
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert connection.makefile("rb").read().endswith(b"served")
    finally:
        server.should_exit = True
        thread.join(DEADLINE)
    assert not thread.is_alive()

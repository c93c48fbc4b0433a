"""Headers without an end, sent to a real server."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import URL

from project.management.bounded_http import LIMIT
from tests.database import TestDatabase
from tests.processes import DEADLINE, Server, environment_for, fresh_database, serving

START = b"GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


@pytest.fixture(scope="module")
def server(url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("server") / "log"
    with serving("runserver", "--no-reload", env=environment_for(url), log=log) as server:
        yield server


def send(server: Server, *parts: bytes) -> bytes:
    """Send all of it, as far as the server takes it, and read the answer to its end."""
    address = ("127.0.0.1", server.port)
    with closing(socket.create_connection(address, timeout=DEADLINE)) as client:
        received = b""
        try:
            for part in parts:
                client.sendall(part)
            while chunk := client.recv(65_536):
                received += chunk
        except ConnectionError:  # it hung up while more was coming
            pass
        return received


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


CLOSE = b"Connection: close\r\n\r\n"


@pytest.mark.parametrize("size", [0, 1_000, LIMIT - 200])
def test_ordinary_headers_pass(server: Server, size: int) -> None:
    assert status_of(send(server, START + b"X-A: " + b"a" * size + b"\r\n" + CLOSE)) == 307


@pytest.mark.parametrize(
    "headers",
    [
        b"X-A: " + b"a" * LIMIT + b"\r\n",
        b"".join(b"X-%d: a\r\n" % number for number in range(20_000)),
    ],
    ids=["one", "many"],
)
def test_too_many_bytes_are_refused(server: Server, headers: bytes) -> None:
    answer = send(server, START + headers + CLOSE)
    assert status_of(answer) == 431
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "headers_too_large"


def test_a_header_that_never_ends_is_not_kept(server: Server) -> None:
    """It hangs up after the limit, whatever is still to come."""
    answer = send(server, START + b"X-A: ", *([b"a" * 100_000] * 300))
    assert answer == b"" or status_of(answer) == 431


@pytest.mark.needs("users")
def test_a_body_does_not_count(server: Server) -> None:
    body = b"x" * 200_000
    head = b"POST /api/v1/users/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n" % len(body)
    assert status_of(send(server, head + length + CLOSE + body)) == 422


def test_the_next_request_counts_anew(server: Server) -> None:
    one = START + b"X-A: " + b"a" * (LIMIT // 2) + b"\r\n\r\n"
    last = START + b"X-A: " + b"a" * (LIMIT // 2) + b"\r\n" + CLOSE
    answer = send(server, one, one, one, last)
    assert answer.count(b"HTTP/1.1 307") == 4


def test_the_second_request_has_the_same_limit(server: Server) -> None:
    address = ("127.0.0.1", server.port)
    with closing(socket.create_connection(address, timeout=DEADLINE)) as client:
        client.sendall(START + b"\r\n")
        assert status_of(client.recv(65_536)) == 307
        client.sendall(START + b"X-A: " + b"a" * LIMIT + b"\r\n" + CLOSE)
        assert status_of(client.recv(65_536)) == 431

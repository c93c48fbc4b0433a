"""Clients that lie about their bodies, leave early, or never read: what they cost a real server."""

import http
import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import psutil
import pytest
from sqlalchemy import create_engine, text

from tests.database import TestDatabase
from tests.faults.figures import note
from tests.processes import DEADLINE, Server, environment_for, fresh_database, serving, until

pytestmark = [pytest.mark.blocks_loop, pytest.mark.needs("items", "users")]

MIB = 2**20
GROWTH = 20 * MIB
HUGE = 200 * MIB
ITEMS = "/api/v1/items/"
TIMES = 1_000
READERS = 50
CHUNK = b"x" * 65_536


class Target:
    """A server, what it holds, and sockets to it."""

    def __init__(self, server: Server, waiting: Callable[[], int]) -> None:
        self.server = server
        self.transactions_left = waiting
        self._process = psutil.Process(server.process.pid)

    def memory(self) -> int:
        return int(self._process.memory_info().rss)

    def descriptors(self) -> int:
        return int(self._process.num_fds())

    def connect(self, *, buffer: int | None = None) -> socket.socket:
        line = socket.socket()
        if buffer:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        line.settimeout(DEADLINE)
        line.connect(("127.0.0.1", self.server.port))
        return line

    def say(self, *pieces: bytes) -> int:
        """Send as much as the server takes; return the status of its answer, 0 for none."""
        with self.connect() as line:
            with suppress(OSError):  # it has answered, and does not want the rest
                for piece in pieces:
                    line.sendall(piece)
            try:
                answer = http.client.HTTPResponse(line)
                answer.begin()
            except (OSError, http.client.HTTPException):
                return 0
            return answer.status


@pytest.fixture(scope="module")
def target(
    engine_database: TestDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    log = tmp_path_factory.mktemp("hostile") / "log"
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        engine = create_engine(url)

        def waiting() -> int:
            with engine.connect() as connection:
                return int(connection.scalar(LEFT) or 0)

        with serving("runserver", "--no-reload", env=environment_for(url), log=log) as server:
            target = Target(server, waiting)
            for _ in range(50):  # whatever is made once is made now
                server.read(ITEMS)
                server.read("/openapi.json")
            yield target
        engine.dispose()


LEFT = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
)


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


JSON = "Content-Type: application/json"
FORM = "Content-Type: multipart/form-data; boundary=b"
OPENING = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'
PIECES = HUGE // len(CHUNK)


@pytest.mark.parametrize(
    ("lines", "piece"),
    [
        ((JSON, f"Content-Length: {HUGE}"), CHUNK),
        ((JSON, "Transfer-Encoding: chunked"), b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK)),
        ((FORM, f"Content-Length: {HUGE}"), CHUNK),
    ],
    ids=["by length", "chunked", "multipart"],
)
def test_two_hundred_megabytes_are_not_kept(
    target: Target, lines: tuple[str, ...], piece: bytes
) -> None:
    before = target.memory()
    opening = OPENING if FORM in lines else b""
    status = target.say(head("POST", ITEMS, *lines), opening, *[piece] * PIECES)
    grown = target.memory() - before
    note(f"200 MB in one body, answered {status or 'by closing'}: more memory", grown / MIB, "MiB")
    assert status in {0, http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE, http.HTTPStatus.UNAUTHORIZED}
    assert grown < GROWTH
    assert target.server.read(ITEMS)[0] == http.HTTPStatus.OK


@pytest.mark.parametrize("half", ["body", "answer"])
def test_a_thousand_who_leave_in_the_middle(target: Target, half: str) -> None:
    memory, descriptors = target.memory(), target.descriptors()
    begun = head("POST", ITEMS, JSON, "Content-Length: 1000") + b'{"name": "'
    for _ in range(TIMES):
        with target.connect() as line:
            line.sendall(begun if half == "body" else head("GET", f"{ITEMS}?limit=100"))
            if half == "answer":
                line.recv(1)
    until(lambda: target.descriptors() <= descriptors + 5, "the descriptors to be closed")
    grown = (target.memory() - memory) / MIB
    note(f"{TIMES} who leave in the middle of the {half}: more memory", grown, "MiB")
    assert target.memory() - memory < GROWTH
    assert target.transactions_left() == 0
    assert target.server.read(ITEMS)[0] == http.HTTPStatus.OK


def test_fifty_who_do_not_read_hold_up_nobody(target: Target) -> None:
    """More than the lane has threads: an answer is made, its thread and connection are free."""
    memory = target.memory()
    document = len(target.server.read("/openapi.json")[1])
    with ExitStack() as stack:
        for _ in range(READERS):
            line = stack.enter_context(target.connect(buffer=2048))
            line.sendall(head("GET", "/openapi.json") * 8 + head("GET", f"{ITEMS}?limit=100") * 8)
        for _ in range(20):
            assert target.server.read(ITEMS)[0] == http.HTTPStatus.OK
        assert target.transactions_left() == 0
        kept = target.memory() - memory
        note(f"{READERS} who do not read: more memory", kept / MIB, "MiB")
        assert kept < GROWTH + READERS * document


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: -1",),
        ("Content-Length: 5, 6",),
        ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: xchunked",),
        ("Content-Length : 5",),
    ],
    ids=" and ".join,
)
def test_two_opinions_about_a_body_are_none(target: Target, lines: tuple[str, ...]) -> None:
    """Where a proxy and the application disagreed, the rest would be a request of somebody's."""
    smuggled = b"5\r\nhello\r\n0\r\n\r\n" + head("GET", "/health/live")
    with target.connect() as line:
        line.sendall(head("POST", ITEMS, JSON, *lines) + smuggled)
        said = b""
        with suppress(OSError):
            while piece := line.recv(65_536):
                said += piece
    assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), said[:200]
    assert said.count(b"HTTP/1.1 ") == 1

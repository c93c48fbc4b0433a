"""Uploads to a real server whose clients behave badly."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from loguru import logger
from sqlalchemy import QueuePool

from apps.users.models import User
from project.runtime import Runtime
from tests.apps.items import pictures
from tests.factories.items import ItemFactory
from tests.processes import until

pytestmark = pytest.mark.committed

SignIn = Callable[[User], dict[str, str]]
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


@pytest.fixture
def address(application: FastAPI, database: object) -> Iterator[tuple[str, int]]:
    """The application behind a real socket, in this process, so that its lanes can be seen."""
    config = uvicorn.Config(application, log_config=None, lifespan="off", port=0)
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        until(lambda: server.started, "the server listens")
        yield listener.getsockname()
        server.should_exit = True
        thread.join()


@pytest.fixture
def request_head(headers_for: SignIn) -> bytes:
    """An upload's head, its length left open, for an item of the one who sends it."""
    item = ItemFactory()
    lines = [
        f"POST /api/v1/items/{item.id}/image HTTP/1.1",
        "Host: localhost",
        "Content-Type: multipart/form-data; boundary=x",
        *(f"{name}: {value}" for name, value in headers_for(item.owner).items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n"


def temporary_files() -> list[str]:
    """Files of this process that have no name any more."""
    links = []
    for opened in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            links.append(str(opened.readlink()))
    return [link for link in links if link.startswith("/tmp/") and "(deleted)" in link]  # noqa: S108


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="platform shows no open files"
)


def is_idle(runtime: Runtime) -> bool:
    """Whether no lane has work and no connection is out of the pool."""
    pool = runtime.database.engine.pool
    assert isinstance(pool, QueuePool)
    lanes = [(lane.running, lane.waiting) for lane in runtime.lanes]
    return pool.checkedout() == 0 and set(lanes) == {(0, 0)}


@pytest.fixture
def statuses() -> Iterator[list[int]]:
    """What the log says of each request that is over, answered or not."""
    seen: list[int] = []

    def note(message: Any) -> None:
        seen.append(message.record["extra"]["status"])

    sink = logger.add(note, filter=lambda record: record["extra"].get("logger") == "access")
    yield seen
    logger.remove(sink)


@needs_proc
@pytest.mark.parametrize("framing", [b"Content-Length: 8000000", b"Transfer-Encoding: chunked"])
def test_vanished_client_leaves_nothing(
    address: tuple[str, int],
    request_head: bytes,
    runtime: Runtime,
    statuses: list[int],
    framing: bytes,
) -> None:
    before = len(temporary_files())
    with socket.create_connection(address) as client:
        client.sendall(request_head + framing + b"\r\n\r\n")
        piece = HEAD + bytes(2_000_000)
        client.sendall(b"%x\r\n%s" % (len(piece) * 2, piece) if b"chunked" in framing else piece)
        until(lambda: len(temporary_files()) > before, "the body is on its way")
        assert is_idle(runtime)
    until(lambda: statuses, "the request is over")
    assert (statuses, is_idle(runtime)) == ([400], True)
    assert len(temporary_files()) == before


@pytest.mark.parametrize("count", [1, 12])
def test_clients_that_vanish_while_their_picture_is_made(
    address: tuple[str, int], request_head: bytes, runtime: Runtime, statuses: list[int], count: int
) -> None:
    """The body is there, and nobody waits for the answer."""
    body = HEAD + pictures.picture(size=(2000, 1500)) + TAIL
    for _ in range(count):
        with socket.create_connection(address) as client:
            client.sendall(request_head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    until(lambda: len(statuses) == count, "every request is over")
    until(lambda: is_idle(runtime), "everything is idle")
    assert set(statuses) <= {201, 400}


BAD: list[tuple[bytes, int]] = [
    (HEAD + b"<html><script>alert(1)</script>" + TAIL, 422),
    (HEAD + pictures.picture()[:400] + TAIL, 422),
    (HEAD + pictures.picture("PNG")[:60] + TAIL, 422),
    (HEAD + pictures.picture("GIF") + TAIL, 422),
    (HEAD + pictures.png_bomb(13_000, 13_000) + TAIL, 422),
    (HEAD + pictures.webp_bomb() + TAIL, 422),
    (HEAD + pictures.endless_jpeg() + TAIL, 422),
    (HEAD + TAIL, 422),
    (HEAD + pictures.picture(), 422),  # the form never ends
    (HEAD[:40], 422),
    (b"no form at all", 400),
    (b"", 422),
    (HEAD + bytes(21_000_000) + TAIL, 413),
]


# Starlette leaves the file of a part that never ends to the interpreter, which closes it at once.
@pytest.mark.filterwarnings("ignore:.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning")
def test_flood_of_bad_input(
    address: tuple[str, int], request_head: bytes, runtime: Runtime, statuses: list[int]
) -> None:
    """All of it at once, several times over: refused, and nothing is left running."""

    def send(body: bytes) -> int:
        with socket.create_connection(address, timeout=60) as client:
            with suppress(ConnectionError):  # refused before it has sent everything
                client.sendall(request_head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            return int(client.recv(12).split()[1])

    bodies, wanted = zip(*(BAD * 4), strict=True)
    with ThreadPoolExecutor(len(bodies)) as clients:
        answers = list(clients.map(send, bodies))
    assert answers == list(wanted)
    until(lambda: len(statuses) == len(bodies), "every request is over")
    until(lambda: is_idle(runtime), "everything is idle")


def test_body_of_a_stranger_is_not_waited_for(address: tuple[str, int]) -> None:
    """Who may not upload hears so before sending anything."""
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(
            b"POST /api/v1/items/1/image HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000000\r\n\r\n"
        )
        assert client.recv(12) == b"HTTP/1.1 401"


def test_too_large_is_refused_by_its_declared_length(
    address: tuple[str, int], request_head: bytes
) -> None:
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(request_head + b"Content-Length: 200000000\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 413"

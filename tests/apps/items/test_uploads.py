"""Uploads to a real server whose clients behave badly."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from apps.users.models import User
from project.runtime import Runtime
from tests.factories.items import ItemFactory
from tests.processes import until

pytestmark = pytest.mark.committed

SignIn = Callable[[User], dict[str, str]]
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'


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


@needs_proc
@pytest.mark.parametrize("framing", [b"Content-Length: 8000000", b"Transfer-Encoding: chunked"])
def test_vanished_client_leaves_nothing(
    address: tuple[str, int], request_head: bytes, runtime: Runtime, framing: bytes
) -> None:
    before = len(temporary_files())
    with socket.create_connection(address) as client:
        client.sendall(request_head + framing + b"\r\n\r\n")
        piece = HEAD + bytes(2_000_000)
        client.sendall(b"%x\r\n%s" % (len(piece) * 2, piece) if b"chunked" in framing else piece)
        until(lambda: len(temporary_files()) > before, "the body is on its way")
        assert all((lane.running, lane.waiting) == (0, 0) for lane in runtime.lanes)
    until(lambda: len(temporary_files()) == before, "the temporary file is gone")
    assert all((lane.running, lane.waiting) == (0, 0) for lane in runtime.lanes)


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

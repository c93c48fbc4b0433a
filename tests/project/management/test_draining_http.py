"""Connections that are idle when the server is told to end."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from project.management import draining_http
from project.management.draining_http import DrainingHttp
from tests.processes import DEADLINE, until


class Draining:
    """A server in a thread, told to end while connections are open."""

    def __init__(self) -> None:
        app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("served"))])
        config = uvicorn.Config(app, port=0, http=DrainingHttp, log_config=None, lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)

    @contextmanager
    def running(self) -> Iterator["Draining"]:
        self.thread.start()
        until(lambda: self.server.started, "the server")
        self.listener = self.server.servers[0]
        self.port: int = self.listener.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.server.should_exit = True
            self.thread.join(DEADLINE)

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.connect()
        return connection

    def end(self) -> None:
        """Tell it, and wait until it has told its connections."""
        self.server.should_exit = True
        until(lambda: not self.listener.is_serving(), "the end of listening")


def ask(connection: http.client.HTTPConnection) -> tuple[bytes, str | None]:
    connection.request("GET", "/")
    response = connection.getresponse()
    return response.read(), response.getheader("Connection")


def test_last_request_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a connection that was kept alive, and over one that had no request yet."""
    monkeypatch.setattr(draining_http, "LAST_CALL", DEADLINE)
    with Draining().running() as draining, closing(draining.connect()) as used:
        assert ask(used) == (b"served", None)
        with closing(draining.connect()) as unused:
            until(lambda: len(draining.server.server_state.connections) == 2, "both connections")
            draining.end()
            assert ask(used) == (b"served", "close")
            assert ask(unused) == (b"served", "close")
        draining.thread.join(DEADLINE / 2)
        assert not draining.thread.is_alive()


def test_who_asks_nothing_is_not_waited_for() -> None:
    with Draining().running() as draining, closing(draining.connect()) as idle:
        assert ask(idle) == (b"served", None)
        draining.end()
        draining.thread.join(DEADLINE)
        assert not draining.thread.is_alive()
        assert idle.sock.recv(1) == b""

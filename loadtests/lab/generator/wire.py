"""Connections to the server: what a browser keeps open, and gives up again after a while.

Requests are written here and answers parsed by the library that Locust's own fast client uses.
Its client is left out for one thing: it sends a request again when the connection breaks, and
what a visitor has lost must not look like an answer.
"""

import gzip
import random
import ssl
from collections import deque
from contextlib import suppress
from urllib.parse import urlsplit

from gevent import socket
from geventhttpclient.response import HTTPParseError, HTTPSocketResponse

from loadtests.visitor import Answer, Request, is_enough

REQUESTS = range(30, 100)
"""So many a connection carries. One that lived for ever would tie its visitors to one worker."""

PATIENCE = 30.0
"""Seconds that a visitor waits for the next bytes of an answer."""

NOTHING = Answer(status=0, content_type="", body=b"")
LOST = (OSError, HTTPParseError)


class Connections:
    """Those to one server, in one segment. The one that rested longest comes next."""

    def __init__(self, address: str, dice: random.Random) -> None:
        parts = urlsplit(address)
        self._place = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self._head = f"Host: {parts.netloc}\r\nUser-Agent: loadtest\r\nAccept-Encoding: gzip\r\n"
        self._dice = dice
        self._idle: deque[Connection] = deque()

    def send(self, request: Request) -> Answer:
        """Make a request and read its answer to the end, or until enough events have come."""
        connection = None
        try:
            connection = self._take()
            answer, is_reusable = connection.send(_written(request, self._head), request)
        except LOST:
            answer, is_reusable = NOTHING, False
        except BaseException:  # the segment is over, and this greenlet with it
            _close(connection)
            raise
        if connection and is_reusable and connection.left > 0:
            self._idle.append(connection)
        else:
            _close(connection)
        return answer

    def close(self) -> None:
        """Close all that rest."""
        while self._idle:
            _close(self._idle.popleft())

    def _take(self) -> "Connection":
        if self._idle:
            return self._idle.popleft()
        wire = socket.create_connection(self._place, PATIENCE)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context:
            wire = self._context.wrap_socket(wire, server_hostname=self._place[0])
        return Connection(wire, self._dice.choice(REQUESTS))


class Connection:
    """One of them."""

    def __init__(self, wire: socket.socket, left: int) -> None:
        self.wire = wire
        self.left = left

    def send(self, written: bytes, request: Request) -> tuple[Answer, bool]:
        """Return the answer, and whether the connection can carry another."""
        self.left -= 1
        self.wire.sendall(written)
        response = HTTPSocketResponse(self.wire, method=request.method)
        body = _events(request, response) if request.events else response.read()
        if response.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        answer = Answer(
            status=response.status_code,
            content_type=str(response.get("content-type") or ""),
            body=body,
        )
        return answer, not response.should_close()


def _events(request: Request, response: HTTPSocketResponse) -> bytes:
    body = b""
    while not is_enough(request, body) and (line := response.readline(b"\n")):
        body += line
    return body if is_enough(request, body) else body + response.read()


def _written(request: Request, head: str) -> bytes:
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    lines = [f"{request.method} {request.path} HTTP/1.1\r\n{head}"]
    lines += [f"{name}: {value}\r\n" for name, value in request.headers.items()]
    if body or request.method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(body)}\r\n")
    return "".join(lines).encode("latin-1") + b"\r\n" + body


def _close(connection: Connection | None) -> None:
    if connection is not None:
        with suppress(OSError):
            connection.wire.close()

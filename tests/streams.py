"""A client of server-sent events that a test can let read, wait and vanish."""

import http.client
import json
import socket
import struct
from typing import Any

from tests.processes import DEADLINE


class EventStream:
    """One stream over a connection of its own."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        self._connection.request("GET", path, headers=headers)
        self.response = self._connection.getresponse()

    def next(self) -> dict[str, str] | None:
        """Read the next event, field by field; None when the stream has ended."""
        event: dict[str, str] = {}
        while line := self.response.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if not line.strip() and event:
                return event
            if name not in {"", ":"}:
                event[name] = value
        return None

    def data(self) -> Any:
        """Read the next event's data."""
        event = self.next()
        return event and json.loads(event["data"])

    def close(self) -> None:
        self.response.close()
        self._connection.close()


class SilentReader:
    """A client that asks for a stream, has next to no room for it, and never reads."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        self._socket.connect(("127.0.0.1", port))
        lines = [f"GET {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def vanish(self) -> None:
        """Go without a goodbye: the connection is reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

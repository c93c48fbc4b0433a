"""The image's HEALTHCHECK, against a server that answers what it is told."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import cast

import pytest

from project.management.catalogue import ROOT


class Answering(HTTPServer):
    status = 200
    seen: list[tuple[str, str]]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = cast(Answering, self.server)
        server.seen.append((self.path, self.headers["Host"]))
        self.send_response(server.status)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Answering]:
    server = Answering(("127.0.0.1", 0), Handler)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def probe(port: int, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "probe.py"), "/health/live", str(port)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_healthy(server: Answering) -> None:
    finished = probe(server.server_port)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


@pytest.mark.parametrize("status", [301, 400, 503])
def test_unhealthy(server: Answering, status: int) -> None:
    server.status = status
    finished = probe(server.server_port)
    assert finished.returncode == 1
    assert finished.stderr == f"/health/live answered {status}\n"


def test_nobody_there(server: Answering) -> None:
    finished = probe(1)
    assert finished.returncode == 1
    assert len(finished.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("shop.example.com, b.example.com", "shop.example.com"),
        ('["shop.example.com", "b"]', "shop.example.com"),
        (".example.com", "example.com"),
        ("", "127.0.0.1"),
    ],
)
def test_speaks_to_the_public_name(server: Answering, allowed: str, host: str) -> None:
    probe(server.server_port, ALLOWED_HOSTS=allowed, http_proxy="http://127.0.0.1:1")
    assert server.seen == [("/health/live", host)]

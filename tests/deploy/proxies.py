"""A real nginx with the configuration of deploy/nginx, run by an ordinary user."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from project.settings import ROOT
from tests.processes import DEADLINE, free_port, until

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
SOURCES = ROOT / "deploy" / "nginx"
NOBODY = 65534


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The body, which has to be a problem of this status."""
        assert self.headers["Content-Type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        return found


class Proxy(NamedTuple):
    port: int
    log: Path

    def ask(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        """Ask one thing over a connection of its own; `X_Y` is the header `X-Y`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, headers=named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)


@contextmanager
def proxying(
    *upstreams: int | str, edge: str = "plain", certificates: Path | None = None
) -> Iterator[Proxy]:
    """Start one before servers on these ports of this machine, or at these `address:port`.

    It listens where `edge` says, on a free port.
    """
    if NGINX is None:
        pytest.skip("needs nginx; .ci/run installs it")
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        _configure(folder, port, upstreams, edge)
        if certificates:
            shutil.copytree(certificates, folder / "certificates")
        process = _start(folder)
        try:
            until(lambda: _is_open(port) or process.poll() is not None, "nginx")
            assert process.poll() is None, (folder / "log").read_text()
            yield Proxy(port, folder / "log")
        finally:
            process.terminate()
            process.wait(DEADLINE)


def _configure(folder: Path, port: int, upstreams: tuple[int | str, ...], edge: str) -> None:
    """Copy the configuration; only where things are is another."""
    for source in SOURCES.glob("*.conf"):
        shutil.copy(source, folder)
    places = [f"127.0.0.1:{each}" if isinstance(each, int) else each for each in upstreams]
    shipped = (SOURCES / "upstream.conf").read_text()
    patience = " ".join(re.findall(r"(?:max_fails|fail_timeout)=\w+", shipped))
    servers = [f"server {place} {patience};\n" for place in places]
    (folder / "upstream.conf").write_text("".join(servers))
    asked = (SOURCES / f"edge-{edge}.conf").read_text()
    wanted = "8443" if edge == "tls" else "8080"
    asked = re.sub(r"listen (\d+)", lambda found: _listen(found[1], wanted, port), asked)
    (folder / "edge.conf").write_text(asked)


def _listen(number: str, wanted: str, port: int) -> str:
    return f"listen 127.0.0.1:{port if number == wanted else free_port()}"


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    running = folder / "run"
    running.mkdir()
    log = folder / "log"
    log.touch()
    user = None
    if os.geteuid() == 0:
        user = NOBODY
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user)
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(NGINX), "-p", str(running), "-c", str(folder / "nginx.conf"), "-e", "stderr"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

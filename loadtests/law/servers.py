"""The server processes that are compared, one for each shape."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import psutil

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


class Server(NamedTuple):
    """A server process and its port."""

    process: psutil.Process
    port: int


class Servers:
    """One server process for each shape."""

    def __init__(self, environments: dict[str, dict[str, str]]) -> None:
        self._environments = environments
        self._stacks: dict[str, ExitStack] = {}
        self._servers: dict[str, Server] = {}

    def __enter__(self) -> Self:
        for name in self._environments:
            self._start(name)
        return self

    def __exit__(self, *_: object) -> None:
        for stack in self._stacks.values():
            stack.close()

    def __getitem__(self, name: str) -> Server:
        return self._servers[name]

    def restart(self, name: str) -> None:
        """End the process and start another one."""
        self._stacks.pop(name).close()
        self._start(name)

    def _start(self, name: str) -> None:
        stack = self._stacks[name] = ExitStack()
        self._servers[name] = stack.enter_context(_serving(name, self._environments[name]))


@contextmanager
def _serving(name: str, environment: dict[str, str]) -> Iterator[Server]:
    """Serve a shape from one process; what it logs is written, and thrown away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "uvicorn", f"loadtests.law.shapes.{name}:app"]
    words += ["--port", str(port), "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield Server(psutil.Process(process.pid), port)
    finally:
        process.kill()  # one that is stuck would take long to end
        process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The server on port {port} did not come up.")

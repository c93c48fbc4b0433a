"""What tests of real processes share: databases of their own, servers, deadlines."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, text

from project.settings import ROOT
from tests.database import own_name, template_name

DEADLINE = 60.0


@contextmanager
def fresh_database(engine: Engine, *, is_migrated: bool = False) -> Iterator[URL]:
    """A database on the suite's server: empty, or a clone of the suite's own template."""
    name = own_name("process")
    administration = create_engine(
        engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT"
    )
    with administration.connect() as connection:
        template = template_name() if is_migrated else "template0"
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        try:
            yield engine.url.set(database=name).difference_update_query(["options"])
        finally:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    administration.dispose()


def environment_for(url: URL, **variables: str) -> dict[str, str]:
    """The variables of a process that shall use this database and nothing of a developer's."""
    address = url.render_as_string(hide_password=False)
    others = {"DATABASE_DIRECT_URL": "", "DATABASE_REPLICA_URL": ""}
    own = {"ENVIRONMENT": "test", "DATABASE_URL": address, **others}
    return {**os.environ, **own, **variables}


def run_manage(
    *words: str, env: dict[str, str], root: Path = ROOT, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with what somebody types."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE,
        check=False,
        input=typed,
    )


def until(is_reached: Callable[[], object], what: str) -> None:
    """Wait for a condition, within a deadline."""
    deadline = time.monotonic() + DEADLINE
    while not is_reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {DEADLINE:g} s in vain: {what}.")
        time.sleep(0.02)


class Server:
    """A `manage.py` process that serves."""

    def __init__(
        self,
        *words: str,
        env: dict[str, str],
        log: Path,
        root: Path = ROOT,
        python: str = sys.executable,
    ) -> None:
        self.log = log
        self.port = free_port()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [python, "manage.py", *words, "--port", str(self.port)],
                cwd=root,
                env=env,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )

    def read(self, path: str) -> tuple[int, str]:
        """GET something; the status is 0 while nobody answers."""
        try:
            address = f"http://127.0.0.1:{self.port}{path}"
            with urllib.request.urlopen(address, timeout=DEADLINE) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_until_serving(self, path: str = "/") -> None:
        until(
            lambda: self.read(path)[0] == 200 or self.process.poll() is not None,
            "the first answer",
        )
        assert self.process.poll() is None, self.output

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    @property
    def output(self) -> str:
        return self.log.read_text()


@contextmanager
def serving(
    *words: str,
    env: dict[str, str],
    log: Path,
    root: Path = ROOT,
    python: str = sys.executable,
    first: str = "/",
) -> Iterator[Server]:
    """Start a server, wait for its first answer (to GET `first`), and make sure that it ends."""
    server = Server(*words, env=env, log=log, root=root, python=python)
    try:
        server.wait_until_serving(first)
        yield server
    finally:
        if server.process.poll() is None:
            server.process.terminate()
        try:
            server.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

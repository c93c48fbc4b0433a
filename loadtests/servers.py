"""What measurements of a real server share: a database of its own, the process, a request."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from alembic import command
from sqlalchemy import URL, create_engine, make_url, text

from project.db.embedded import ensure_running
from project.db.migrations import alembic_config
from project.settings import ROOT, load_settings

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def own_database(name: str, *, is_kept: bool = False) -> Iterator[URL]:
    """Make a migrated database, beside the suite's or where DATABASE_URL says; drop it again.

    One that is kept is there for the next run, as it was left.
    """
    settings = load_settings()
    directory = settings.data_directory / "postgres-test"
    server = make_url(settings.database.url or ensure_running(directory, durable=False))
    administration = create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT")
    drop = text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    known = text("SELECT 1 FROM pg_database WHERE datname = :name")
    with administration.connect() as connection:
        if not is_kept:
            connection.execute(drop)
        if connection.scalar(known, {"name": name}) is None:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        url = server.set(database=name)
        engine = create_engine(url)
        with engine.connect() as migrating:
            command.upgrade(alembic_config(migrating), "head")
        engine.dispose()
        try:
            yield url
        finally:
            if not is_kept:
                connection.execute(drop)
    administration.dispose()


@contextmanager
def one_worker(url: URL, **variables: str) -> Iterator[int]:
    """Serve the whole application from one process; yield its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "ENVIRONMENT": "test",
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "DATABASE_DIRECT_URL": "",
            "DATABASE_REPLICA_URL": "",
            "MEDIA_DIRECTORY": folder,
            "LOG_LEVEL": "ERROR",
            **variables,
        }
        words = [sys.executable, "manage.py", "runserver", "--no-reload", "--port", str(port)]
        with subprocess.Popen(
            words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        ) as process:
            try:
                _wait_for(port)
                yield port
            finally:
                process.send_signal(signal.SIGTERM)


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("The server did not start.")


def call(port: int, method: str, path: str, body: str, headers: Mapping[str, str]) -> Any:
    """Make a request and return the JSON of its answer. Raises RuntimeError for a refusal."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    content = json.loads(answer.read())
    if answer.status not in {200, 201}:
        raise RuntimeError(f"{method} {path}: {content}")
    return content

"""The demo as a real process: first run, second run, taken port, no database of its own needed."""

import os
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text

from project.db.embedded import EmbeddedServer
from project.settings import ROOT
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database, run_manage, serving


@pytest.fixture
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine) as url:
        yield url


def count(url: URL, table: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        found: int = connection.scalars(text(f"SELECT count(*) FROM {table}")).one()  # noqa: S608
    engine.dispose()
    return found


def line(output: str, label: str) -> str:
    found = re.search(rf"^{label}:\s+(.+)$", output, re.MULTILINE)
    assert found, output
    return found[1]


@pytest.mark.needs("health", "users", "items")
def test_two_runs(url: URL, tmp_path: Path) -> None:
    """The first migrates, fills and shows the password; the second keeps what it finds."""
    env = environment_for(url)
    with serving("demo", env=env, log=tmp_path / "first") as server:
        assert server.read("/api/v1/health")[0] == 200
        assert server.read("/")[0] == 200
        assert '"items":[{' in server.read("/api/v1/items/?limit=1")[1].replace(" ", "")
        password = line(server.output, "Password")
        assert server.output.count(password) == 1
        assert server.end(signal.SIGINT) == 0
    before = count(url, "users_user"), count(url, "items_item")
    with serving("demo", env=env, log=tmp_path / "second") as server:
        assert line(server.output, "Email") == "admin@example.com"
        assert password not in server.output
        assert line(server.output, "Admin") == f"http://127.0.0.1:{server.port}/admin/"
        assert server.end(signal.SIGTERM) == 0
    assert (count(url, "users_user"), count(url, "items_item")) == before


@pytest.mark.needs("users")
def test_password_signs_in(url: URL, tmp_path: Path) -> None:
    from urllib.parse import urlencode  # noqa: PLC0415
    from urllib.request import urlopen  # noqa: PLC0415

    with serving("demo", "--workers", "2", env=environment_for(url), log=tmp_path / "log") as demo:
        email, password = line(demo.output, "Email"), line(demo.output, "Password")
        form = urlencode({"username": email, "password": password}).encode()
        address = f"http://127.0.0.1:{demo.port}/api/v1/auth/token"
        with urlopen(address, form, timeout=30) as response:
            assert response.status == 200


def test_taken_port_comes_before_everything(url: URL) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        finished = run_manage("demo", "--port", port, env=environment_for(url))
    assert (finished.returncode, finished.stdout) == (1, "")
    assert len(finished.stderr.splitlines()) == 1
    assert f"Port {port}" in finished.stderr
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('users_user')")) is None
    engine.dispose()


def test_never_in_production(url: URL) -> None:
    env = environment_for(
        url,
        ENVIRONMENT="production",
        SECRET_KEY="kJ8-x2Lq_9vRt4WzYb7NcEfGhMpS3uDa",
        ALLOWED_HOSTS="shop.example.com",
    )
    finished = run_manage("demo", "--port", "0", env=env)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "This is production" in finished.stderr


@pytest.mark.needs("health")
def test_embedded_database_of_a_fresh_checkout(tmp_path: Path) -> None:
    """In a copy of the project, in a path with a space: its own server, its own data."""
    root = tmp_path / "fresh checkout"
    ignored = shutil.ignore_patterns("__pycache__", "vendor")
    for name in ("project", "apps", "migrations", "templates"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    outside = {"DATABASE_URL", "DATA_DIRECTORY", "ENVIRONMENT", "SECRET_KEY"}
    env = {name: value for name, value in os.environ.items() if name not in outside}
    try:
        with serving("demo", env=env, log=tmp_path / "log", root=root) as server:
            assert line(server.output, "Database").endswith("embedded")
            assert server.read("/health/ready")[0] == 200
            assert server.end(signal.SIGINT) == 0
        assert (root / ".data" / "postgres" / "PG_VERSION").exists()
    finally:
        EmbeddedServer(root / ".data" / "postgres").reset()  # the folder of its socket goes, too

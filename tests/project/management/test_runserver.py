"""The server as a real process: its signals, its workers, what it says when it cannot start."""

import http.client
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text

from project.errors import CommandError
from project.management.dispatcher import call_command
from tests.copies import ProjectCopy
from tests.database import TestDatabase
from tests.processes import (
    Server,
    environment_for,
    fresh_database,
    is_free,
    run_manage,
    serving,
    until,
)

LOCK = text("LOCK TABLE items_item IN ACCESS EXCLUSIVE MODE")
WAITERS = text("SELECT count(*) FROM pg_locks l WHERE NOT granted AND relation = :table ::regclass")
PATIENT = {"DATABASE_LOCK_TIMEOUT": "20", "DATABASE_STATEMENT_TIMEOUT": "20"}


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.needs("health")
def test_signal_ends_it_cleanly(url: URL, tmp_path: Path, number: signal.Signals) -> None:
    env = environment_for(url)
    with serving("runserver", "--no-reload", env=env, log=tmp_path / "log") as server:
        assert server.read("/api/v1/health") == (200, '{"status":"healthy","database":"ok"}')
        assert server.end(number) == 0
        assert "Traceback" not in server.output
        assert is_free(server.port)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.needs("items")
def test_request_in_flight_finishes(url: URL, tmp_path: Path, workers: str) -> None:
    """SIGTERM comes while a request waits for a lock: it is answered all the same."""
    engine = create_engine(url)
    words = ("runserver", "--no-reload", "--workers", workers)
    with (
        serving(*words, env=environment_for(url, **PATIENT), log=tmp_path / "log") as server,
        ThreadPoolExecutor(1) as pool,
        engine.connect() as locker,
        engine.connect() as watcher,
    ):
        locker.execute(LOCK)
        answer = pool.submit(server.read, "/api/v1/items/")
        watcher.execution_options(isolation_level="AUTOCOMMIT")
        until(lambda: watcher.scalar(WAITERS, {"table": "items_item"}), "the request")
        server.process.send_signal(signal.SIGTERM)
        until(lambda: "hutting down" in server.output, "the shutdown")
        locker.rollback()
        assert answer.result()[0] == 200
        assert server.process.wait(20) == 0
        assert is_free(server.port)
    engine.dispose()


def test_workers(url: URL, tmp_path: Path) -> None:
    """Two workers are two processes that answer on one port."""
    env = environment_for(url)
    with serving("runserver", "--workers", "2", env=env, log=tmp_path / "log") as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        until(lambda: len(serving_children(children)) == 2, "the second worker")
        statuses = [server.read("/")[0] for _ in range(4)]
        assert statuses == [200] * 4
        assert server.end(signal.SIGINT) == 0
        assert is_free(server.port)


def test_workers_tell_metrics_together(url: URL, tmp_path: Path) -> None:
    """Whichever is asked tells the same; a killed one leaves its counts, the server no files."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = environment_for(url, TMPDIR=str(temporary))
    with serving("runserver", "--workers", "2", env=env, log=tmp_path / "log") as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        until(lambda: told(server, "workers") == 2, "the second worker")
        pages = 'http_requests_total{method="GET",route="other",status="404"}'
        for _ in range(10):
            server.read("/nowhere")
        until(lambda: told(server, pages) == 10, "what both have counted")
        assert {told(server, pages) for _ in range(6)} == {10}
        before = set(serving_children(children))
        os.kill(int(min(before)), signal.SIGKILL)
        until(lambda: set(serving_children(children)) - before, "another worker")
        until(lambda: told(server, "workers") == 2, "its metrics")
        assert told(server, pages) == 10
        assert server.end(signal.SIGTERM) == 0
        assert list(temporary.glob("lintel-metrics-*")) == []


def told(server: Server, name: str) -> float:
    """Ask for a metric; whoever was killed while it answered is asked again."""
    try:
        written = server.read("/metrics")[1]
    except (OSError, http.client.HTTPException):
        return 0.0
    lines = (line.rpartition(" ") for line in str(written).splitlines())
    return sum(float(value) for found, _, value in lines if found == name)


def test_hangup_replaces_workers(url: URL, tmp_path: Path) -> None:
    """Both give way to new ones, and of all requests meanwhile none fails."""
    env = environment_for(url)
    words = ("runserver", "--workers", "2")
    with serving(*words, env=env, log=tmp_path / "log") as server, ThreadPoolExecutor(2) as pool:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        until(lambda: len(serving_children(children)) == 2, "the second worker")
        before, is_over = set(serving_children(children)), threading.Event()
        clients = [pool.submit(client, server.port, is_over) for client in (reconnect, keep_alive)]
        try:
            server.process.send_signal(signal.SIGHUP)
            until(lambda: is_replaced(children, before), "the new workers")
        finally:
            is_over.set()
        for statuses in (client.result() for client in clients):
            assert set(statuses) == {200}
        assert server.end(signal.SIGTERM) == 0
        assert "Traceback" not in server.output


def is_replaced(children: Path, before: set[str]) -> bool:
    now = set(serving_children(children))
    return len(now) == 2 and not now & before


def reconnect(port: int, is_over: threading.Event) -> list[int]:
    """Ask again and again, each time over a new connection; a failure is raised."""
    statuses = []
    while not is_over.is_set():
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        statuses.append(ask(client))
        client.close()
    return statuses


def keep_alive(port: int, is_over: threading.Event) -> list[int]:
    """Do the same over one connection, as long as the server does not say that it closes."""
    statuses = []
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    while not is_over.is_set():
        statuses.append(ask(client))
    client.close()
    return statuses


def ask(client: http.client.HTTPConnection) -> int:
    client.request("GET", "/")
    with client.getresponse() as response:
        response.read()
        return response.status


def serving_children(children: Path) -> list[str]:
    """List the children that have been started to serve; one more tracks their resources."""
    if not children.exists():
        pytest.skip("needs /proc")
    pids = children.read_text().split()
    return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_taken_port_is_one_line(url: URL) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        finished = run_manage("runserver", str(port), env=environment_for(url))
        assert (finished.returncode, finished.stdout) == (1, "")
        assert len(finished.stderr.splitlines()) == 1
        assert f"Port {port} on 127.0.0.1 is in use" in finished.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--host", "nowhere.invalid"], 1),
        (["--host", "203.0.113.7"], 1),
        (["--host", "ä..b"], 1),
        (["--host", "x" * 70], 1),
        (["2001:db8::7"], 1),
        (["70000"], 2),
        (["localhost:70000"], 2),
        (["here"], 2),
        (["localhost:here"], 2),
        (["²"], 2),
        (["--port", "70000"], 2),
        (["--port", "-1"], 2),
        (["--workers", "0"], 2),
        (["--workers", "²"], 2),
        (["--prot", "1"], 2),
    ],
    ids=str,
)
def test_wrong_address_is_one_line(words: list[str], code: int) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("runserver", *words)
    assert caught.value.exit_code == code
    assert len(str(caught.value).splitlines()) == 1


def test_address_as_in_django(url: URL, tmp_path: Path) -> None:
    """The option wins over the address, so that scripts can append it."""
    env = environment_for(url, SITE_NAME="Doorway")
    words = ("runserver", "localhost:1", "--no-reload")
    with serving(*words, env=env, log=tmp_path / "log") as server:
        assert f"Doorway (test) on http://127.0.0.1:{server.port}/" in server.output


@pytest.mark.needs("health")
def test_pending_migrations_are_said(engine_database: TestDatabase, tmp_path: Path) -> None:
    with fresh_database(engine_database.engine) as empty:
        env = environment_for(empty)
        with serving("runserver", "--no-reload", env=env, log=tmp_path / "log") as server:
            assert "migration(s) are pending" in server.output
            assert server.read("/health/ready")[0] == 503


@pytest.mark.needs("health", "items")
def test_unreachable_database_is_said(tmp_path: Path, url: URL) -> None:
    """It serves all the same: live, not ready, and every request that needs data is a 503."""
    away = URL.create("postgresql", "nobody", "canary", "127.0.0.1", 1, "none")
    env = environment_for(away)
    with serving("runserver", "--no-reload", env=env, log=tmp_path / "log") as server:
        assert "cannot be reached" in server.output
        assert server.read("/health/ready")[0] == 503
        assert server.read("/api/v1/items/")[0] == 503
        assert "canary" not in server.output


@pytest.mark.needs("health", "items")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_lifespan_that_fails(url: URL, tmp_path: Path, workers: str) -> None:
    """An orchestrator restarts what failed, and does not restart what was told to end."""
    copy = ProjectCopy.make(tmp_path, url)
    (copy.root / "apps" / "health" / "lifespan.py").write_text("lifespan = None\n")
    said = copy.expect("runserver", "0", "--no-reload", "--workers", workers, code=1)
    assert "App 'health': apps.health.lifespan must define `lifespan`." in said
    assert "Traceback" not in said


@pytest.mark.needs("health", "items")
def test_connection_lives_on_after_errors(url: URL, tmp_path: Path) -> None:
    """An error's answer does not cut the connection, so the next request on it is served."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE items_item RENAME TO away"))
    env = environment_for(url, LOG_FORMAT="json")
    with serving("runserver", "--no-reload", env=env, log=tmp_path / "log") as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        statuses, sockets = [], set()
        for path in ("/health/live", "/api/v1/items/", "/health/live", "/api/v1/items/"):
            client.request("GET", path)
            response = client.getresponse()
            response.read()
            statuses.append(response.status)
            assert response.getheader("Server") is None
            sockets.add(id(client.sock))
        client.close()
        lines = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO items_item"))
    engine.dispose()
    assert (statuses, len(sockets)) == ([200, 500, 200, 500], 1)
    assert sum("UndefinedTable" in line.get("exception", "") for line in lines) == 2

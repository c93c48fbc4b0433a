"""Workers that are worn out, crash, hang or never start: what clients notice of it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.copies import ProjectCopy
from tests.database import TestDatabase
from tests.processes import Server, environment_for, fresh_database, serving, until
from tests.project.management.workers import clients_of, workers_of

WORDS = ("runserver", "--workers", "2")


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


@pytest.fixture
def server(url: URL, tmp_path: Path) -> Iterator[Server]:
    with serving(*WORDS, env=environment_for(url), log=tmp_path / "log") as server:
        until(lambda: serving_workers(server) == 2, "the second worker")
        yield server


def serving_workers(server: Server) -> int:
    """Count those that have begun to serve since the start."""
    return server.output.count("Application startup complete")


def test_worn_out_workers_are_replaced(url: URL, tmp_path: Path) -> None:
    """Both, one after the other; no request fails, and no connection breaks."""
    env = environment_for(url, WORKER_MAX_REQUESTS="100")
    with serving(*WORDS, env=env, log=tmp_path / "log") as server:
        until(lambda: serving_workers(server) == 2, "the second worker")
        before = set(workers_of(server))
        with clients_of(server, 4) as clients:
            until(lambda: not before & set(workers_of(server)), "two new workers")
        assert [failure for client in clients for failure in client.failures] == []
        assert {status for client in clients for status in client.statuses} == {200}
        assert server.end(signal.SIGTERM) == 0
        assert "Traceback" not in server.output


def test_a_crash_loses_only_its_own_requests(server: Server) -> None:
    """Each client had one connection, so each fails once at most; nobody is refused."""
    victim, survivor = sorted(workers_of(server))
    with clients_of(server, 4) as clients:
        until(lambda: all(len(client.statuses) > 5 for client in clients), "some answers")
        killed = time.monotonic()
        os.kill(int(victim), signal.SIGKILL)
        until(lambda: serving_workers(server) == 3, "another worker")
        assert time.monotonic() - killed < 20
    failures = [failure for client in clients for failure in client.failures]
    assert not any(isinstance(failure, ConnectionRefusedError) for failure in failures)
    assert all(len(client.failures) <= 1 for client in clients)
    assert survivor in workers_of(server)
    assert f"Worker [{victim}] ended with -9; another is started." in server.output


def test_a_hung_worker_is_replaced(server: Server) -> None:
    victim = min(workers_of(server))
    os.kill(int(victim), signal.SIGSTOP)
    until(lambda: serving_workers(server) == 3, "another worker")
    assert victim not in workers_of(server)
    assert f"Worker [{victim}] hung and was killed" in server.output
    assert [server.read("/health/live")[0] for _ in range(6)] == [200] * 6


@pytest.mark.needs("health")
def test_workers_that_never_serve_end_the_server(url: URL, tmp_path: Path) -> None:
    """After a few starts that are further and further apart, with an exit code and a line."""
    copy = ProjectCopy.make(tmp_path, url)
    lifespan = (
        "import os\nimport sys\n\nif 'spawn_main' in ' '.join(sys.orig_argv):\n    os._exit(7)\n"
    )
    (copy.root / "apps" / "health" / "lifespan.py").write_text(lifespan)
    said = copy.expect("runserver", "0", "--no-reload", *WORDS[1:], code=1)
    assert "ended with 7 before it served; the next start is in 1 s." in said
    assert "giving up" in said
    assert "Traceback" not in said

"""The real server, started as a deployment starts it, watched, and ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import URL

from loadtests.lab.burst import burst
from loadtests.lab.client import Order, send
from loadtests.lab.plants import DOCUMENTED, LIVE
from loadtests.lab.server import NotStarted, environment_for, serving
from loadtests.lab.window import Config
from project.settings import ROOT
from tests.database import TestDatabase
from tests.processes import fresh_database, until

pytestmark = pytest.mark.loadtest


DOCUMENTED_PATH = "/planted/documented"


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


def test_workers_are_seen_at_work_and_end(url: URL) -> None:
    with serving(Config(workers=2, pool=2), url) as server:
        pids = server.pids()
        answers = send(Order(host=server.host, path="/health/ready", users=4, seconds=1.0))
        end = answers.began + answers.seconds
        workers = server.workers(answers.began, end)
        assert {worker.pid for worker in workers} == set(pids)
        # Those in flight at either end are counted by one of the two alone.
        seen, sent = sum(worker.requests for worker in workers), answers.ok.count
        assert seen == pytest.approx(sent, rel=0.2, abs=10)
        assert min(worker.memory for worker in workers) > 2**24
        assert sum(worker.cpu for worker in workers) > 0
        assert server.queries(answers.began, end)["GET /health/ready"] == 2
        assert server.database(answers.began, end).most_connections >= 1
        assert server.restarts() == 0
        family = [server.process.pid, *pids]
    assert not any(map(psutil.pid_exists, family))


@pytest.mark.loadtest
def test_a_worker_that_died_is_a_restart(url: URL) -> None:
    with serving(Config(workers=2, pool=2), url) as server:
        os.kill(server.pids()[0], signal.SIGKILL)
        until(lambda: server.restarts() == 1, "the worker is replaced")


def test_without_a_probe_the_system_still_tells(url: URL) -> None:
    with serving(Config(pool=1), url, is_probed=False) as server:
        began = time.time()
        send(Order(host=server.host, path="/health/live", users=2, warm_up=0, seconds=1.0))
        (worker,) = server.workers(began, time.time())
        assert (worker.requests, worker.lanes) == (0, {})
        assert worker.cpu > 0
        assert server.queries(began, time.time()) == {}


def test_a_server_that_does_not_start_shows_what_it_wrote(url: URL) -> None:
    config = Config(variables=(("DATABASE_POOL_SIZE", "many"),))
    with pytest.raises(NotStarted, match="DATABASE_POOL_SIZE"), serving(config, url):
        pass


def test_it_ends_with_whoever_started_it(url: URL, tmp_path: Path) -> None:
    said = tmp_path / "pids"
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from sqlalchemy import make_url\n"
        "from loadtests.lab.server import serving\n"
        "from loadtests.lab.window import Config\n"
        "with serving(Config(), make_url(sys.argv[1])) as server:\n"
        "    Path(sys.argv[2]).write_text(str(server.pids()[0]) + '\\n')\n"
        "    time.sleep(600)\n"
    )
    words = [sys.executable, "-c", script, url.render_as_string(hide_password=False), str(said)]
    with subprocess.Popen(words, cwd=ROOT) as controller:
        until(lambda: said.exists() and said.read_text().endswith("\n"), "the server is ready")
        pid = int(said.read_text())
        assert psutil.pid_exists(pid)
        controller.kill()
    until(lambda: not psutil.pid_exists(pid), "the server ends")


def test_a_developers_settings_have_no_say(
    url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_URL", "smtp://mail.example.com")
    monkeypatch.setenv("DATABASE_QUEUE_SIZE", "1")
    config = Config(workers=3, pool=5, variables=(("CPU_LANE_SIZE", "2"),))
    found = environment_for(config, url, tmp_path)
    assert (found["MAIL_URL"], found["WORKERS"], found["DATABASE_POOL_SIZE"]) == (
        "memory:",
        "3",
        "5",
    )
    assert found["CPU_LANE_SIZE"] == "2"
    assert "DATABASE_QUEUE_SIZE" not in found


def test_a_documented_session_locks_up(url: URL) -> None:
    config = Config(pool=2, variables=(("THREADS", "3"),))
    with serving(config, url, application=DOCUMENTED, path=LIVE) as server:
        outcome = burst(server, at_once=10, times=1, path=DOCUMENTED_PATH)
    assert outcome.is_lock_up
    assert outcome.answered + outcome.failed == 10


@pytest.mark.needs("items")
def test_ours_does_not(url: URL) -> None:
    with serving(Config(pool=2), url) as server:
        outcome = burst(server, at_once=60, times=3)
    assert not outcome.is_lock_up
    assert (outcome.answered, outcome.failed) == (180, 0)


@pytest.mark.loadtest
@pytest.mark.parametrize(("threads", "pool"), [(4, 2), (10, 4), (10, 10), (10, 20)])
def test_the_law_of_the_lock_up(url: URL, threads: int, pool: int) -> None:
    """One fewer than threads and connections is clean; as many are enough, sooner or later."""
    config = Config(pool=pool, variables=(("THREADS", str(threads)),))
    with serving(config, url, application=DOCUMENTED, path=LIVE) as server:
        clean = burst(server, at_once=threads + pool - 1, path=DOCUMENTED_PATH)
        assert not clean.is_lock_up, clean.summary
        caught = [
            burst(server, at_once=threads + pool + n, path=DOCUMENTED_PATH) for n in (0, 1, 2)
        ]
    assert any(outcome.is_lock_up for outcome in caught), [one.summary for one in caught]

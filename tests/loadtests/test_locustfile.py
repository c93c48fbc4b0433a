"""Locust itself, in processes of its own: it patches the one that imports it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.scenario import installed
from project.settings import INSTALLED_APPS, ROOT
from tests.database import TestDatabase
from tests.processes import DEADLINE, environment_for, fresh_database, run_manage, serving


def run_locust(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", *words],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=2 * DEADLINE,
        check=False,
    )


def test_one_user_class_for_each_scenario() -> None:
    finished = run_locust("--list")
    names = {scenario.__name__ for scenario in installed(INSTALLED_APPS)}
    assert set(finished.stdout.split("Available Users:")[-1].split()) == names
    assert finished.returncode == 0


def test_strangers_are_refused() -> None:
    finished = run_locust("--headless", "-t", "1s", "--host", "http://shop.example.com")
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].startswith("Error: http://shop.example.com is not")
    assert "Aggregated" not in finished.stderr + finished.stdout


@pytest.mark.parametrize("module", ["project.management", "loadtests.scenario"])
def test_commands_and_tests_never_import_locust(module: str) -> None:
    code = f"import sys, {module}; sys.exit('locust' in sys.modules or 'gevent' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_visitors_meet_no_failure(engine_database: TestDatabase, tmp_path: Path) -> None:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        env = environment_for(url)
        assert run_manage("seed", env=env).returncode == 0
        with serving("runserver", "--no-reload", env=env, log=tmp_path / "log") as server:
            words = ("--headless", "-u", "4", "-r", "4", "-t", "4s", "--only-summary")
            finished = run_locust(*words, "--host", f"http://127.0.0.1:{server.port}")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    total = re.search(r"Aggregated +(\d+) +0\(0\.00%\)", finished.stdout + finished.stderr)
    assert total, finished.stdout + finished.stderr
    assert int(total[1]) > 0

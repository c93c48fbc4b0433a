import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from project.settings import ROOT
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database, run_manage


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine) as url:
        yield url


def test_arguments_go_to_psql(url: URL) -> None:
    words = ("dbshell", "--", "--no-psqlrc", "-Atc", "SELECT current_database()")
    finished = run_manage(*words, env=environment_for(url))
    assert (finished.returncode, finished.stdout.strip()) == (0, url.database), finished.stderr


def test_its_exit_code_is_psqls(url: URL) -> None:
    finished = run_manage("dbshell", "--", "-c", "SELECT nonsense", env=environment_for(url))
    assert finished.returncode == 1
    assert "nonsense" in finished.stderr
    assert "Traceback" not in finished.stderr


LOOK = """
import os, psutil
print(next(p.cmdline() for p in psutil.Process().parents() if p.name() == "psql"))
print(os.environ["PGPASSWORD"])
"""


def test_the_password_is_no_argument(url: URL, tmp_path: Path) -> None:
    """Whoever lists the machine's processes reads their arguments."""
    script = tmp_path / "look.py"
    script.write_text(LOOK)
    env = environment_for(url.set(password="canary"))
    look = f'\\! "{sys.executable}" "{script}"'
    finished = run_manage("dbshell", "--", "--no-psqlrc", "-Atc", look, env=env)
    command, password = finished.stdout.splitlines()
    assert str(url.database) in command
    assert "canary" not in command
    assert password == "canary"


@pytest.mark.skipif(sys.platform == "win32", reason="platform: Windows has no SIGINT to send")
def test_an_interrupt_ends_a_statement_and_not_the_shell(url: URL) -> None:
    shell = subprocess.Popen(
        [sys.executable, "manage.py", "dbshell", "--", "--no-psqlrc", "-At"],
        cwd=ROOT,
        env=environment_for(url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write("SELECT 'ready';\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "ready\n"
        shell.send_signal(signal.SIGINT)  # to manage.py alone: psql has its own
        shell.stdin.write("SELECT 'still here';\n")
        shell.stdin.close()
        assert shell.stdout.read() == "still here\n"
    assert shell.returncode == 0

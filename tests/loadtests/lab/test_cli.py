"""Verbs are files, and what goes wrong is one line."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.lab import cli
from loadtests.lab.result import ExitCode
from project.settings import ROOT
from tests.processes import DEADLINE

WAITS = '''"""Wait for whoever ends it."""
import time


def handle(options):
    try:
        print("at work", flush=True)
        time.sleep(60)
    finally:
        print("stopped", flush=True)
'''


def test_every_verb_has_a_summary_and_a_handle() -> None:
    assert {"doctor", "run", "sweep"} <= set(cli.verbs())
    for verb in cli.verbs().values():
        assert verb.summary.endswith("."), verb.name
        assert "def handle(" in verb.path.read_text(encoding="utf-8")


def test_help_lists_verbs_and_imports_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help"]) == ExitCode.PASS
    assert "doctor" in capsys.readouterr().out
    code = (
        "import sys; from loadtests.lab import cli; cli.main([]); "
        "sys.exit({'locust', 'sqlalchemy', 'fastapi', 'pydantic'} & set(sys.modules) != set())"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["swep"], "unknown verb 'swep'. Did you mean 'sweep'?"),
        (["--users"], "unknown option '--users'."),
        (["run", "--usres", "3"], "Did you mean '--users'?"),
        (["run", "--users", "0"], "must be a whole number from 1 on"),
        (["run", "--users", "1", "--rate", "2"], "not allowed with"),
        (["run", "--duration", "nan"], "must be a number above 0"),
        (["run", "--host", "http://shop.example.com"], "is not this machine"),
        (["run", "--host", "http://127.0.0.1:1", "--pool", "3"], "leave them out beside --host"),
        (["sweep", "--minutes", "1"], "needs 2 minutes"),
    ],
)
def test_wrong_usage_is_one_line(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert hint in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, cli.INTERRUPTED), (signal.SIGTERM, cli.TERMINATED)]
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_signal_stops_what_was_started(number: int, code: int, tmp_path: Path) -> None:
    folder = tmp_path / "verbs"
    folder.mkdir()
    (folder / "wait.py").write_text(WAITS)
    start = (
        "import pathlib, sys; from loadtests.lab import cli; "
        f"sys.path.insert(0, {str(tmp_path)!r}); "
        f"cli.FOLDER, cli.PACKAGE = pathlib.Path({str(folder)!r}), 'verbs'; "
        "sys.exit(cli.main(['wait']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.send_signal(number)
        rest, _ = process.communicate(timeout=DEADLINE)
    assert (process.returncode, rest) == (code, "stopped\n")

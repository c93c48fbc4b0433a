"""`manage.py loadtest` hands over to the laboratory, in a process of its own."""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from project.errors import CommandError
from project.management import call_command
from project.management.catalogue import ROOT
from project.management.commands import loadtest as command
from tests.project.management.conftest import Scratch, run_manage


def test_words_go_to_the_laboratory(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(words: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
        assert list(words) == [sys.executable, "-m", "loadtests.lab", "run", "--users", "3"]
        assert (cwd, bool(env)) == (ROOT, True)
        return 6

    monkeypatch.setattr(command, "run_process", run)
    assert call_command("loadtest", "run", "--users", "3") == 6


def test_without_the_laboratory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    with pytest.raises(CommandError, match="in a checkout") as caught:
        call_command("loadtest", "doctor")
    assert caught.value.exit_code == 2


def test_without_the_development_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CommandError, match=r"requirements/dev\.txt") as caught:
        call_command("loadtest", "doctor")
    assert caught.value.exit_code == 2


def test_a_verb_explains_itself() -> None:
    assert "manage.py loadtest doctor" in run_manage("loadtest", "doctor", "--help").stdout
    assert "manage.py loadtest [" in run_manage("loadtest", "--help").stdout


def test_a_typing_error_is_one_line() -> None:
    finished = run_manage("loadtest", "docto")
    assert finished.returncode == 2
    assert finished.stderr.strip().endswith("Did you mean 'doctor'?")
    assert finished.stderr.count("\n") == 1


def test_only_a_command_with_verbs_hands_on_the_wish_for_help(scratch: Scratch) -> None:
    handle = "def handle(options):\n    print(options.arguments)\n"
    body = f'"""Do it."""\nPASS_THROUGH = True\n{{}}\n{handle}'
    scratch.write("project/management/commands/plain.py", body.format(""))
    scratch.write("project/management/commands/verbs.py", body.format("HAS_VERBS = True"))
    assert "usage" in scratch.run("plain", "word", "--help").stdout
    assert scratch.run("verbs", "word", "--help").stdout == "['word', '--help']\n"

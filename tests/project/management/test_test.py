"""`manage.py test` is pytest with good defaults."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from project.errors import CommandError
from project.management import call_command
from project.management.catalogue import ROOT
from project.management.commands import test as command
from tests.project.management.conftest import run_manage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Mapping[str, str]]]:
    """What would have been run, with its environment."""
    seen: list[tuple[list[str], Mapping[str, str]]] = []

    def record(words: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
        assert cwd == ROOT
        seen.append((list(words[3:]), env))
        return 5

    monkeypatch.setattr(command, "run_process", record)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return seen


def test_defaults(runs: list[tuple[list[str], Mapping[str, str]]]) -> None:
    assert call_command("test", "-k", "words") == 5
    ((words, environment),) = runs
    assert words[0] == "-n"
    assert words[2:] == ["--cov", "--cov-report=", "-k", "words"]
    assert environment["ENVIRONMENT"] == "test"


@pytest.mark.parametrize("chosen", ["-n0", "--pdb", "-s", "--numprocesses=4"])
def test_the_person_decides_about_processes(
    chosen: str, runs: list[tuple[list[str], Mapping[str, str]]]
) -> None:
    call_command("test", chosen)
    assert runs[0][0] == ["--cov", "--cov-report=", chosen]


@pytest.mark.parametrize("chosen", ["--no-cov", "--cov-report=html", "--cov=apps"])
def test_the_person_decides_about_coverage(
    chosen: str, runs: list[tuple[list[str], Mapping[str, str]]]
) -> None:
    call_command("test", chosen, "-n0")
    assert runs[0][0] == [chosen, "-n0"]


def test_paths_hold_from_any_folder(
    runs: list[tuple[list[str], Mapping[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT / "tests")
    call_command("test", "-n0", "--no-cov", "project/management/test_test.py::test_defaults")
    expected = ROOT / "tests" / "project" / "management" / "test_test.py"
    assert runs[0][0][-1] == f"{expected}::test_defaults"


def test_pytest_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CommandError, match=r"uv run manage\.py test"):
        call_command("test")


def test_from_another_folder_for_real() -> None:
    path = str(ROOT / "tests" / "project" / "management" / "test_style.py")
    finished = run_manage("test", path, "-q", "--collect-only", "--noconftest", "--no-cov")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "test_style.py" in finished.stdout

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

Runs = list[tuple[list[str], "Mapping[str, str]"]]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """What would have been run, with its environment."""
    seen: Runs = []

    def record(words: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> int:
        assert cwd == ROOT
        seen.append((list(words[3:]), env))
        return 5

    monkeypatch.setattr(command, "run_process", record)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return seen


def test_the_whole_suite_runs_in_processes(runs: Runs) -> None:
    assert call_command("test", "-x") == 5
    ((words, environment),) = runs
    assert words[0] == "-n"
    assert words[2:] == ["-x"]
    assert environment["ENVIRONMENT"] == "test"


@pytest.mark.parametrize("part", [["-k", "words"], ["--lf"], [str(ROOT / "tests" / "project")]])
def test_a_part_runs_plainly(part: list[str], runs: Runs) -> None:
    call_command("test", *part)
    assert runs[0][0] == part


@pytest.mark.parametrize("chosen", ["-n0", "--pdb", "-s", "--numprocesses=4"])
def test_the_person_decides_about_processes(chosen: str, runs: Runs) -> None:
    call_command("test", chosen)
    assert runs[0][0] == [chosen]


@pytest.mark.parametrize("chosen", ["--no-cov", "--cov-report=html", "--cov=apps"])
def test_the_person_decides_about_coverage(chosen: str, runs: Runs) -> None:
    call_command("test", chosen)
    assert runs[0][0][0] == "-n"
    assert runs[0][0][2:] == [chosen]


def test_coverage_is_one_line(runs: Runs) -> None:
    call_command("test", "--cov")
    assert {"--cov-report=", "--cov"} < set(runs[0][0])


def test_paths_hold_from_any_folder(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "tests")
    call_command("test", "project/management/test_test.py::test_one")
    expected = ROOT / "tests" / "project" / "management" / "test_test.py"
    assert runs[0][0] == [f"{expected}::test_one"]


@pytest.mark.parametrize("words", [("nowhere",), ("-x", "tests/nothing.py::test_one")])
def test_a_path_that_is_not_there(words: tuple[str, ...], runs: Runs) -> None:
    with pytest.raises(CommandError, match="There is no") as caught:
        call_command("test", *words)
    assert caught.value.exit_code == 2
    assert runs == []


def test_values_of_options_are_no_paths(runs: Runs) -> None:
    call_command("test", "-k", "nowhere", "-p", "no:randomly")
    assert runs[0][0] == ["-k", "nowhere", "-p", "no:randomly"]


def test_pytest_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CommandError, match=r"uv run manage\.py test"):
        call_command("test")


def test_from_another_folder_for_real() -> None:
    path = str(ROOT / "tests" / "project" / "management" / "test_style.py")
    finished = run_manage("test", path, "-q", "--collect-only", "--noconftest")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "test_style.py" in finished.stdout

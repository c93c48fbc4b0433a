"""A sweep that was interrupted measures only what is missing."""

from pathlib import Path

import pytest

from loadtests.lab.journal import Journal
from loadtests.lab.window import Window
from project.errors import CommandError
from tests.loadtests.lab.windows import a_window


def test_a_step_is_measured_once(tmp_path: Path) -> None:
    calls: list[int] = []

    def measure() -> list[Window]:
        calls.append(1)
        return [a_window()]

    journal = Journal.begin(tmp_path, "20260101-sweep", started=1.0, minutes=3)
    first = journal.windows("alone", measure)
    again = Journal.latest(tmp_path)
    (window,) = again.windows("alone", measure)
    assert len(calls) == 1
    assert (window.requests, window.config) == (first[0].requests, first[0].config)
    assert window.quantile(0.5) == first[0].quantile(0.5)
    assert again.notes.options == {"minutes": 3}
    assert [each.name for each in again.all_windows()] == ["saturate"]


def test_a_step_that_fails_is_not_kept(tmp_path: Path) -> None:
    def fail() -> list[Window]:
        raise KeyboardInterrupt

    journal = Journal.begin(tmp_path, "x", started=1.0)
    with pytest.raises(KeyboardInterrupt):
        journal.windows("alone", fail)
    assert Journal.latest(tmp_path).windows("alone", lambda: [a_window()])


def test_bursts_are_kept_too(tmp_path: Path) -> None:
    journal = Journal.begin(tmp_path, "x", started=1.0)
    journal.burst("burst 1x2", lambda: {"pool_timeouts": 3})
    assert Journal.latest(tmp_path).burst("burst 1x2", dict) == {"pool_timeouts": 3}


def test_nothing_to_take_up(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="without --resume") as caught:
        Journal.latest(tmp_path)
    assert caught.value.exit_code == 2
    Journal.begin(tmp_path, "x", started=1.0).end()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "y.unfinished").write_text("{}")
    with pytest.raises(CommandError, match="another version"):
        Journal.latest(tmp_path)

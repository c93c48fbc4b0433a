"""The bar of long work."""

import io
import sys
from contextlib import suppress

import pytest

from project.management.progress import bar_cleared, progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    return made


def test_bar_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    draw = progress_bar("items", 4, at_end="building indexes")
    draw(1)
    draw(4)
    assert "items ███████░" in terminal.getvalue()
    assert terminal.getvalue().endswith("building indexes")


def test_more_than_was_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    progress_bar("items", 4)(5)
    assert terminal.getvalue().endswith("█ 100 %")


def test_no_escape_sequence_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = open_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    with bar_cleared():
        progress_bar("items", 4)(4)
    assert "\033" not in terminal.getvalue()
    assert terminal.getvalue().endswith(" \r")


def test_nobody_is_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with bar_cleared():
        progress_bar("items", 4)(4)
    assert stream.getvalue() == ""


def test_bar_goes_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    with suppress(ZeroDivisionError), bar_cleared():
        progress_bar("items", 4)(4)
        raise ZeroDivisionError
    assert terminal.getvalue().endswith("\r\033[K")

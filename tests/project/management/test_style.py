"""Colour appears on a terminal alone."""

from __future__ import annotations

import io

import pytest

from project.management import style


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_terminal_gets_colour() -> None:
    assert style.success("fine", Terminal()) == "\033[32mfine\033[0m"


def test_a_file_gets_none() -> None:
    assert style.success("fine", io.StringIO()) == "fine"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_the_environment_turns_it_off(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert style.failure("broken", Terminal()) == "broken"

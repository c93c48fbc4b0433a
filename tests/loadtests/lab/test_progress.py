"""How much time is left."""

import io

import pytest

from loadtests.lab.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(stream: io.StringIO, *moments: float) -> Progress:
    return Progress(100, stream=stream, clock=iter(moments).__next__)


def test_plain_lines_say_what_is_done_and_what_is_left() -> None:
    stream = io.StringIO()
    progress(stream, 0.0, 25.0, 25.0).say("saturate 2x4")
    assert stream.getvalue() == " 25%    75 s left  saturate 2x4\n"


def test_a_terminal_has_one_line() -> None:
    stream = Terminal()
    shown = progress(stream, 0.0, 50.0, 50.0, 250.0, 250.0)
    shown.say("saturate 2x4" * 20)
    shown.say("soak")
    _, first, second = stream.getvalue().split("\r\033[K")
    assert first.startswith("█" * 12 + "░" * 12 + "   50 s left  saturate")
    assert len(first) == 79
    assert second.startswith("█" * 24 + "    0 s left  soak")


def test_what_was_found_stays() -> None:
    stream = Terminal()
    progress(stream, 0.0).keep("2x4 gave 100 requests/s.")
    assert stream.getvalue().endswith("2x4 gave 100 requests/s.\033[0m\n")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (89, "89 s"), (600, "10 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text

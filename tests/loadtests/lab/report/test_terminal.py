"""The summary: verdict first, within the width, in colours and letters that the terminal has."""

import re

import pytest

from loadtests.lab.report import summarise
from loadtests.lab.result import ExitCode, Result, Verdict
from loadtests.lab.window import Blocked, Route
from tests.loadtests.lab.results import MACHINE, a_gate, a_run, a_sweep

PAINT = re.compile(r"\x1b\[[\d;]+m")


def test_the_verdict_comes_first_and_the_knob_has_its_reasons() -> None:
    text = summarise(a_sweep(), width=100)
    assert text.splitlines()[0] == "PASS  exit code 0"
    assert text.splitlines()[1].startswith("2 workers with 8 connections each")
    for part in ("162/s (156 to 169)", "- WORKERS=1", "+ WORKERS=2", "third one only takes turns"):
        assert part in text
    assert "void       ladder 94 %, 2x16: generator took 0.91 of a core" in text
    assert "images.py:88 shrink held the loop for 1.9 s" in text


def test_broken_gates_are_named() -> None:
    text = summarise(a_gate(), width=100)
    assert text.startswith("REGRESSION  exit code 3")
    assert "4 of 7 gates passed" in text
    assert "fail: regression p95: 1.15×, allowed 1.1" in text  # noqa: RUF001
    assert "queries_per_request" not in text


@pytest.mark.parametrize("width", [0, 48, 79, 80, 110, 400])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, colour: bool) -> None:
    for result in (a_gate(), a_run()):
        lines = PAINT.sub("", summarise(result, width=width, colour=colour)).splitlines()
        assert max(map(len, lines)) <= min(max(width, 48), 110)


def test_colour_adds_nothing_but_colour() -> None:
    plain, coloured = summarise(a_gate()), summarise(a_gate(), colour=True)
    assert "\x1b" not in plain
    assert coloured != plain
    assert PAINT.sub("", coloured) == plain


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "no-such"])
def test_letters_are_plain_where_there_are_no_blocks(encoding: str) -> None:
    text = summarise(a_gate(), encoding=encoding)
    assert text.isascii()
    assert "####" in text
    assert "1.15x" in text


def test_a_result_without_windows_is_its_verdict() -> None:
    verdict = Verdict(code=ExitCode.LOCK_UP, summary="It answers nobody.")
    result = Result(kind="run", id="x", started=1.0, machine=MACHINE, verdict=verdict)
    assert summarise(result) == "LOCK-UP  exit code 6\nIt answers nobody.\n"


def test_quoted_words_move_no_cursor() -> None:
    result = a_run()
    result.verdict.summary = "\x1b[2Jgone\r\nand \x9b31m"
    result.windows[0].routes = [Route(route="GET /\x1b]0;title\x07", complaints={"\x1b[1m": 1})]
    result.windows[0].workers[0].blocked = [Blocked(where="\x1b[3m", seconds=1, times=1)]
    result.windows[0].voids = ["\x1b[4m"]
    text = summarise(result)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


def test_of_many_void_windows_the_first_are_named() -> None:
    result = a_sweep()
    for window in result.windows:
        window.voids = ["It was late by 3.1 ms. Give it more processes."]
    text = summarise(result, width=100)
    assert text.count("It was late by 3.1 ms") == 3
    assert "more processes" not in text
    assert f"and {len(result.windows) - 3} windows more" in text

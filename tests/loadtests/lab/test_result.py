"""The document that a run leaves behind."""

import random
from pathlib import Path

import pytest

from loadtests.lab.histogram import Histogram, merged
from loadtests.lab.result import ExitCode, Machine, Result, Unreadable, Verdict
from loadtests.lab.window import Config, Route, Window

MACHINE = Machine(cores=2, cpu="a processor", memory=2**32, system="Linux", python="3.11.7")


def a_result() -> Result:
    window = Window(
        name="saturate", config=Config(), model="closed", users=4, began=1.0, seconds=2.0
    )
    route = Route(route="GET /health/live")
    for milliseconds in (1, 2, 3, 4):
        route.ok.add(milliseconds / 1000)
    route.failed.add(0.0001)
    window.routes.append(route)
    verdict = Verdict(code=ExitCode.PASS, summary="All is well.")
    return Result(
        kind="run", id="x", started=1.0, machine=MACHINE, windows=[window], verdict=verdict
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "results" / "x.json"
    a_result().write(path)
    (window,) = Result.load(path).windows
    assert (window.requests, window.rate) == (4, 2.0)
    assert window.quantile(0.5) == pytest.approx(0.002, rel=0.01)
    assert [entry.name for entry in path.parent.iterdir()] == ["x.json"]


def test_fast_failures_leave_the_quantiles_of_answers_alone() -> None:
    (window,) = a_result().windows
    assert window.error_rate == pytest.approx(0.2)
    assert window.quantile(0.0) == pytest.approx(0.001, rel=0.01)


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"schema": "lintel.loadtest/9"}', "[1]", "\x00"],
)
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "y.json"
    path.write_text(text)
    with pytest.raises(Unreadable, match=r"y\.json is no result of lintel"):
        Result.load(path)
    with pytest.raises(Unreadable, match="cannot be read"):
        Result.load(tmp_path / "none.json")


def test_merged_histograms_have_the_quantiles_of_all_values() -> None:
    chance = random.Random(7)
    values = [chance.lognormvariate(-4, 1.2) for _ in range(20_000)]
    parts = [Histogram() for _ in range(7)]
    for place, value in enumerate(values):
        parts[place % 7].add(value)
    total, values = merged(parts), sorted(values)
    assert total.mean == pytest.approx(sum(values) / len(values))
    for share in (0.01, 0.5, 0.9, 0.95, 0.99, 1.0):
        exact = values[max(0, int(share * len(values)) - 1)]
        assert total.quantile(share) == pytest.approx(exact, rel=0.011)

"""Which windows and configurations a report is about."""

import pytest

from loadtests.lab.report import choices
from loadtests.lab.report.costs import Share
from loadtests.lab.result import Gate, Outcome
from loadtests.lab.window import Config, Lane, Worker
from tests.loadtests.lab.results import a_gate, a_run, a_sweep, a_window


def test_the_main_window_is_at_capacity_and_valid() -> None:
    result = a_sweep()
    window = choices.main_window(result)
    assert window is not None
    assert (window.name, window.config.label) == ("ladder 88 %", "2x8")
    window.voids = ["the machine was stolen from"]
    other = choices.main_window(result)
    assert other is not None
    assert other.name == "ladder 94 %"


def test_the_course_is_told_from_capacity_to_overload() -> None:
    names = [window.name for window in choices.told(a_sweep())]
    assert names == ["ladder 88 %", "ladder 94 %", "ladder 110 %", "saturate"]
    assert [window.name for window in choices.told(a_run())] == ["ladder 45 %"]
    result = a_run()
    result.windows = [a_window(Config(), 4, model="closed")]
    assert [window.name for window in choices.told(result)] == ["saturate"]


def test_warming_up_is_no_measurement() -> None:
    result = a_run()
    result.windows[0].name = "warm-up"
    assert (choices.measured(result), choices.chosen(result)) == ([], None)


def test_void_windows_decide_nothing() -> None:
    result = a_run()
    faster = a_window(Config(workers=4), 40).model_copy(update={"voids": ["late"]})
    result.windows.append(faster)
    assert choices.chosen(result) == Config(workers=2)
    assert list(choices.hardest(result)) == [Config(workers=2)]


def test_a_recommendation_is_a_diff() -> None:
    result = a_sweep()
    lines = choices.difference(result)
    assert lines == [("-", "WORKERS=1"), ("+", "WORKERS=2"), (" ", "DATABASE_POOL_SIZE=8")]
    result.current = None
    assert choices.difference(result) == [("+", "WORKERS=2"), ("+", "DATABASE_POOL_SIZE=8")]
    result.current = Config(variables=(("CPU_LANE_SIZE", "3"),))
    assert choices.difference(result)[-1] == ("-", "CPU_LANE_SIZE=3")


def test_budgets_come_from_the_document_and_from_gates() -> None:
    limits = choices.budgets(a_gate())
    assert limits["global", "p95"] == 0.2
    assert limits["POST /api/v1/orders/", "p95"] == 0.25
    assert limits["global", "error_rate"] == 0.001
    assert not any(scope == "regression" for scope, _ in limits)


def test_a_tolerance_is_a_ratio_or_a_change() -> None:
    gate = Gate(scope="regression", metric="p95", allowed=0.1, outcome=Outcome.PASS)
    assert choices.tolerance(gate) == 1.1
    assert choices.tolerance(gate.model_copy(update={"allowed": -0.07})) == pytest.approx(0.93)
    assert choices.tolerance(gate.model_copy(update={"allowed": 1.25})) == 1.25


def test_a_request_is_the_sum_of_its_parts() -> None:
    window = a_window(Config(), 10, seconds=10.0)
    seen = sum(route.ok.total for route in window.routes) / window.requests
    lanes = {"database": Lane(size=8, wait=0.3), "cpu": Lane(size=1, wait=0.05)}
    worker = Worker(
        pid=1, requests=100, request_seconds=1.0, sql_seconds=0.2, cpu=0.04, lanes=lanes
    )
    window.workers = [worker]
    share = Share.of(window)
    assert share is not None
    outside, *inside = (round(part, 9) for part in share.parts)
    assert inside == [0.0035, 0.002, 0.004, 0.0005]
    assert outside == round(seen - 0.01, 9)
    worker.cpu = 0.9  # of other work, too: never more than what is left
    assert Share.of(window) != share
    assert round(sum(Share.of(window).parts), 9) == round(seen, 9)  # type: ignore[union-attr]
    window.workers = []
    assert Share.of(window) is None

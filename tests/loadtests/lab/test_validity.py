"""Each rule that voids a window, and that a good one breaks none."""

from typing import Any

import pytest

from loadtests.lab.validity import is_saturated, voids
from loadtests.lab.window import GeneratorHealth, Lane, Route
from tests.loadtests.lab.windows import a_window, a_worker, an_open_window, durations


def test_a_good_window_is_valid() -> None:
    assert voids(a_window()) == []
    assert voids(an_open_window()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"generator": GeneratorHealth(cpu=0.81)}, "took 81% of a core"),
        ({"steal": 0.06}, "gave 6% of its time"),
        ({"routes": []}, "Not one request"),
        ({"users": 4}, "add up to 2.0"),
        (
            {"workers": [a_worker(requests=780), a_worker(requests=220)]},
            "1.6 times its share (at most 1.5; 780, 220",
        ),
    ],
)
def test_a_closed_window_is_void(changes: dict[str, Any], said: str) -> None:
    (sentence,) = voids(a_window(**changes))
    assert said in sentence


def test_a_worker_that_was_started_again() -> None:
    (sentence,) = voids(a_window(), restarts=1)
    assert "1 worker(s) ended" in sentence


@pytest.mark.parametrize(
    ("late", "latency", "is_void"), [(6, 20, True), (6, 200, False), (4, 1, False)]
)
def test_arrivals_may_be_late_in_proportion(late: float, latency: float, is_void: bool) -> None:
    health = GeneratorHealth(lateness=durations(late / 1000, 100))
    window = an_open_window(latency=latency / 1000, generator=health)
    assert bool(voids(window)) is is_void


def test_drops_are_the_generators_only_while_the_server_has_places() -> None:
    health = GeneratorHealth(dropped=7)
    free = an_open_window(generator=health)
    assert "dropped 7 arrivals" in voids(free)[0]
    full = a_worker(lanes={"database": Lane(size=4, busy=4.0, waiting=9.0)})
    assert voids(an_open_window(generator=health, workers=[full, full])) == []


def test_few_requests_are_uneven_by_chance() -> None:
    workers = [a_worker(requests=40), a_worker(requests=10)]
    assert voids(a_window(requests=50, latency=0.4, workers=workers)) == []


def test_failures_count_in_littles_law() -> None:
    failed = Route(route="GET /x", ok=durations(0.02, 500), failed=durations(0.02, 500))
    assert voids(a_window(routes=[failed])) == []


def test_what_is_saturated() -> None:
    assert not is_saturated(a_window())
    assert is_saturated(a_window(workers=[a_worker(cpu=0.9)]))
    assert is_saturated(a_window(workers=[a_worker(lanes={"cpu": Lane(size=2, shed=1)})]))

"""Two servers, in turns."""

import pytest

from loadtests.lab.histogram import Histogram
from loadtests.lab.pairs import compare, interleaved, noise_of
from loadtests.lab.window import Config, Route, Window
from tests.loadtests.lab.windows import a_window, durations

BASE, CHANGED = Config(workers=1, pool=2), Config(workers=1, pool=4)


def windows(*rates: int, voids: tuple[int, ...] = ()) -> list[Window]:
    """Rates in the order A B B A A B B A."""
    return [
        a_window(
            config=(BASE, CHANGED, CHANGED, BASE)[index % 4],
            routes=[Route(route="GET /", ok=durations(0.01, rate), failed=Histogram())],
            voids=["steal"] if index in voids else [],
        )
        for index, rate in enumerate(rates)
    ]


def test_load_goes_back_and_forth() -> None:
    plan = interleaved("x", ("a", "b"), pairs=4, seconds=3, users=2, warm_up=1)
    assert [segment.host for segment in plan.segments[2:]] == list("abbaabba")
    assert [segment.is_measured for segment in plan.segments[:3]] == [False, False, True]
    assert plan.segments[2].seed == plan.segments[3].seed != plan.segments[4].seed


def test_drift_makes_no_difference() -> None:
    found = compare(windows(100, 200, 160, 80, 60, 120, 100, 50), BASE, CHANGED)
    assert found is not None
    assert (found.ratio, found.low, found.high) == pytest.approx((2, 2, 2))


def test_void_windows_take_their_pair_with_them() -> None:
    rates = (100, 200, 200, 100, 100, 9, 200, 100)
    found = compare(windows(*rates, voids=(5,)), BASE, CHANGED)
    assert found is not None
    assert found.ratio == pytest.approx(2)
    assert compare(windows(*rates, voids=(1, 5)), BASE, CHANGED) is None


def test_neighbours_of_one_server_show_the_noise() -> None:
    assert noise_of(windows(100, 200, 200, 100, 100, 200, 200, 100)) == pytest.approx(0.03)
    noisy = windows(100, 200, 300, 100, 70, 200, 150, 100, 130, 200, 260, 90)
    assert noise_of(noisy) > 0.1

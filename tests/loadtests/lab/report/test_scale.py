"""Axes: round ticks, and every value between the ends."""

import math

import pytest

from loadtests.lab.report.scale import Scale, fitting, linear, logarithmic

ODD = [[], [0.0], [None], [math.nan, math.inf], [5.0, 5.0], [-3.0, 4.0], [1e-15], [1e15]]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (97, (0, 20, 40, 60, 80, 100)),
        (0.9, (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (1234, (0, 500, 1000, 1500)),
    ],
)
def test_ticks_are_round(most: float, ticks: tuple[float, ...]) -> None:
    assert linear([most], 0, 100).ticks == ticks


def test_a_tight_axis_ends_with_its_largest_value() -> None:
    scale = linear([12], 0, 100, is_tight=True)
    assert (scale(12), scale.ticks[-1], scale.ticks[0]) == (100, 10, 0)
    assert linear([10], 0, 100, is_tight=True).ticks[-1] == 10


def test_a_logarithm_has_ticks_at_one_two_five() -> None:
    scale = logarithmic([0.012, 0.7], 100, 0)
    assert scale.ticks == pytest.approx((0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1))
    assert (scale(0.01), scale(1), scale(0.1)) == (100, 0, 50)


def test_far_apart_values_get_a_logarithm_and_zeros_never() -> None:
    assert fitting([1, 100], 0, 1).is_log
    assert not fitting([10, 20], 0, 1).is_log
    assert not fitting([0, 1, 100], 0, 1).is_log


@pytest.mark.parametrize("values", ODD)
@pytest.mark.parametrize("make", [linear, logarithmic, fitting])
def test_odd_values_make_an_axis_all_the_same(make: object, values: list[float | None]) -> None:
    assert callable(make)
    scale = make(values, 10, 110)
    assert isinstance(scale, Scale)
    assert 1 <= len(scale.ticks) < 20
    for value in [*scale.ticks, -1e20, 0.0, 1e20]:
        assert 10 <= scale(value) <= 110

"""Cutting spans out of numbers that only grow."""

import pytest

from loadtests.lab.series import Series, flatten


@pytest.fixture
def series() -> Series:
    series = Series()
    for moment, number in ((10.0, 0.0), (11.0, 100.0), (12.0, 100.0), (13.0, 140.0)):
        series.add(moment, {"requests": number})
    return series


@pytest.mark.parametrize(
    ("begin", "end", "grown"),
    [(10.0, 13.0, 140.0), (10.5, 11.0, 50.0), (11.0, 12.0, 0.0), (12.5, 20.0, 20.0), (0, 5, 0.0)],
)
def test_growth_is_cut_out_of_any_span(
    series: Series, begin: float, end: float, grown: float
) -> None:
    assert series.growth("requests", begin, end) == grown


def test_what_was_never_read_has_not_grown(series: Series) -> None:
    assert series.growth("statements", 10.0, 13.0) == 0.0
    assert Series().growth("requests", 10.0, 13.0) == 0.0


def test_a_mean_takes_the_readings_of_the_span_alone(series: Series) -> None:
    assert series.mean("requests", 10.5, 12.5) == 100.0


def test_nested_numbers_get_a_name_each() -> None:
    nested = {"looks": 3, "lanes": {"cpu": {"taken": 1.5}}, "lags": [1]}
    assert flatten(nested) == {"looks": 3.0, "lanes.cpu.taken": 1.5}

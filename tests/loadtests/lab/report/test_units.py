"""Figures as people read them."""

import math

import pytest

from loadtests.lab.report import units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0, "0"), (0.04321, "0.0432"), (4.3, "4.3"), (43.21, "43.2"), (999.6, "1,000")),
        *((4300.0, "4,300"), (-7.5, "-7.5"), (None, "–"), (math.nan, "–"), (math.inf, "–")),  # noqa: RUF001
    ],
)
def test_numbers_have_three_digits(value: float | None, text: str) -> None:
    assert units.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 ms"), (0.00042, "0.42 ms"), (0.25, "250 ms"), (1.5, "1.5 s"), (1163, "19 min")],
)
def test_times_have_the_unit_that_fits(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


def test_shares_and_sizes() -> None:
    assert [units.percent(share) for share in (0, 0.00001, 0.0012, 0.125, 1)] == [
        *("0 %", "<0.01 %", "0.12 %", "12.5 %", "100 %")
    ]
    assert (units.size(118 * 2**20), units.size(3 * 2**30)) == ("118 MiB", "3 GiB")
    assert (units.counted(1, "window"), units.counted(2, "window")) == ("1 window", "2 windows")
    assert units.moment(0) == "1970-01-01 00:00 UTC"
    assert units.moment(1e300) == units.UNKNOWN

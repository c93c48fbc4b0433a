"""Bars, drawn without a script."""

from datetime import date
from decimal import Decimal

import pytest

from project.admin.dashboard.plots import HEIGHT, LEAST, WIDTH, Plot, number

DAYS = [date(2026, 1, day) for day in range(1, 5)]


def test_bars_stand_in_the_drawing() -> None:
    plot = Plot.of(list(zip(DAYS, (0, 1, 5000, 10_000), strict=True)))
    heights = [bar.height for bar in plot.bars]
    assert heights == [0, LEAST, HEIGHT / 2, HEIGHT]
    assert all(bar.y + bar.height == HEIGHT for bar in plot.bars)
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH for bar in plot.bars)
    assert (plot.total, plot.highest) == ("15,001", "10,000")


def test_nothing_at_all() -> None:
    plot = Plot.of([(day, 0) for day in DAYS])
    assert plot.is_empty
    assert plot.total == "0"


def test_below_zero_has_no_bar() -> None:
    plot = Plot.of(list(zip(DAYS, (-5, 3, Decimal("0.50"), 0), strict=True)))
    assert [bar.height > 0 for bar in plot.bars] == [False, True, True, False]
    assert plot.total == "-1.50"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1234567, "1,234,567"), (Decimal("1234.5"), "1,234.50")]
)
def test_number(value: int | Decimal, text: str) -> None:
    assert number(value) == text

"""Bars as SVG, drawn here: no script, no style attribute, so the strictest policy shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from project.i18n import localised

WIDTH, HEIGHT = 600, 120
"""Of the drawing, in its own units; the page scales it."""

GAP = 0.25
"""Of a bar's share of the width."""

LEAST = 1.5
"""How high the bar of a small number is at least, or it could not be seen."""


@dataclass(frozen=True)
class Bar:
    """One day: where its bar stands in the drawing, and what it says."""

    day: date
    value: Decimal | int
    x: float
    y: float
    width: float
    height: float

    @property
    def text(self) -> str:
        return number(self.value)


@dataclass(frozen=True)
class Plot:
    """Bars from the first day to the last."""

    bars: list[Bar]
    total: str
    highest: str
    width: int = WIDTH
    height: int = HEIGHT

    @classmethod
    def of(cls, values: Sequence[tuple[date, Decimal | int]]) -> "Plot":
        """Draw values, at least one of them; what is below zero has no bar."""
        highest = max(value for _, value in values)
        share = WIDTH / len(values)
        bars = [
            _bar(day, value, place=index * share, share=share, highest=highest)
            for index, (day, value) in enumerate(values)
        ]
        total = sum((Decimal(value) for _, value in values), Decimal(0))
        return cls(bars, number(total), number(highest))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be seen."""
        return all(bar.height == 0 for bar in self.bars)


def _bar(
    day: date, value: Decimal | int, *, place: float, share: float, highest: Decimal | int
) -> Bar:
    height = 0.0
    if value > 0:
        height = round(max(LEAST, HEIGHT * float(value) / float(highest)), 2)
    x, width = round(place + share * GAP / 2, 2), round(share * (1 - GAP), 2)
    return Bar(day, value, x, round(HEIGHT - height, 2), width, height)


def number(value: Decimal | int) -> str:
    """Write a number for people: `1,234`, `1,234.50`."""
    is_whole = value == int(value)
    return localised(f"{int(value):,}" if is_whole else f"{value:,.2f}")

"""Axes: from values to places, with ticks at 1, 2 or 5 times a power of ten."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1, 2, 5, 10)
SPREAD = 8
"""From this ratio of largest to smallest on, a logarithm shows more."""

TINY = 1e-9


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` lie between the pixels `begin` and `end`."""

    low: float
    high: float
    begin: float
    end: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of a value; what lies outside is drawn at the edge."""
        value = min(max(value, self.low), self.high)
        if self.is_log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(self.begin + share * (self.end - self.begin), 1)


def finite(values: Iterable[float | None]) -> list[float]:
    """Leave out what is no figure."""
    return [value for value in values if value is not None and math.isfinite(value)]


def linear(
    values: Iterable[float | None],
    begin: float,
    end: float,
    *,
    count: int = 5,
    is_tight: bool = False,
) -> Scale:
    """From zero (or a negative least value) to a round number at or above the largest.

    A tight one ends with the largest value, wherever its last tick is.
    """
    known = [0.0, *finite(values)]
    least, most = min(known), max(known)
    if most - least < TINY:
        most = least + 1
    step = _step((most - least) / count)
    low, high = math.floor(least / step + TINY), math.ceil(most / step - TINY)
    ticks = tuple(round(step * place, 12) for place in range(low, high + 1))
    if is_tight and high * step > most:
        return Scale(low * step, most, begin, end, ticks[:-1])
    return Scale(low * step, high * step, begin, end, ticks)


def logarithmic(
    values: Iterable[float | None], begin: float, end: float, *, count: int = 7
) -> Scale:
    """Between round numbers around the positive values."""
    known = [value for value in finite(values) if value > TINY] or [1.0, 10.0]
    low, high = _below(min(known)), _above(max(known))
    if high / low < 4:  # noqa: PLR2004 - an axis needs some length
        low, high = _below(low * 0.99), _above(high * 1.01)
    return Scale(low, high, begin, end, _log_ticks(low, high, count), is_log=True)


def fitting(values: Iterable[float | None], begin: float, end: float, *, count: int = 5) -> Scale:
    """Choose a logarithm where the values are far apart, and a line from zero elsewhere."""
    known = finite(values)
    positive = [value for value in known if value > TINY]
    is_wide = len(positive) > 1 and max(positive) / min(positive) > SPREAD
    if is_wide and len(positive) == len(known):
        return logarithmic(known, begin, end, count=count + 2)
    return linear(known, begin, end, count=count)


def _step(raw: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(raw))
    return power * next(step for step in STEPS if step * power >= raw * (1 - TINY))


def _below(value: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(value) + TINY)
    return power * max(step for step in STEPS if step * power <= value * (1 + TINY))


def _above(value: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(value) + TINY)
    return power * min(step for step in STEPS if step * power >= value * (1 - TINY))


def _log_ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    first, last = math.floor(math.log10(low) + TINY), math.ceil(math.log10(high) - TINY)
    decades = range(first, last + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [
            step * 10.0**decade
            for decade in decades
            for step in steps
            if low * (1 - TINY) <= step * 10.0**decade <= high * (1 + TINY)
        ]
        if len(ticks) <= count + 1:
            break
    return tuple(ticks)

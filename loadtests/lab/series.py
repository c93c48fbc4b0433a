"""Numbers that only grow, noted at moments: what they grew by in any span can be cut out later."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any


def flatten(values: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """Give nested numbers a name each, `lanes.database.taken`; leave out what is no number."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flatten(value, f"{before}{name}.")
        elif isinstance(value, int | float):
            found[before + name] = float(value)
    return found


class Series:
    """Readings in the order of their moments, which are seconds since the epoch."""

    def __init__(self) -> None:
        self._moments: list[float] = []
        self._readings: list[Mapping[str, float]] = []

    def add(self, moment: float, reading: Mapping[str, float]) -> None:
        self._moments.append(moment)
        self._readings.append(reading)

    @property
    def last(self) -> float:
        """The latest moment; 0 before the first."""
        return self._moments[-1] if self._moments else 0.0

    def growth(self, name: str, begin: float, end: float) -> float:
        """By how much a number grew in the span; in a straight line between two readings."""
        if not self._moments:
            return 0.0
        return max(0.0, self._at(name, end) - self._at(name, begin))

    def mean(self, name: str, begin: float, end: float) -> float:
        """Of a number that comes and goes: over the readings within the span."""
        found = [reading.get(name, 0.0) for reading in self.within(begin, end)]
        return sum(found) / len(found) if found else 0.0

    def within(self, begin: float, end: float) -> list[Mapping[str, float]]:
        """Return the readings whose moments lie in the span."""
        first, last = bisect_left(self._moments, begin), bisect_right(self._moments, end)
        return self._readings[first:last]

    def names(self, begin: float, end: float) -> list[str]:
        """Return what was read in the span, in a steady order."""
        return sorted({name for reading in self.within(begin, end) for name in reading})

    def _at(self, name: str, moment: float) -> float:
        """Return the number at a moment: as it was first or last where that is outside."""
        after = bisect_left(self._moments, moment)
        if after == 0:
            return self._readings[0].get(name, 0.0)
        if after == len(self._moments):
            return self._readings[-1].get(name, 0.0)
        earlier, later = self._moments[after - 1], self._moments[after]
        old, new = (self._readings[index].get(name, 0.0) for index in (after - 1, after))
        return old + (new - old) * (moment - earlier) / (later - earlier)

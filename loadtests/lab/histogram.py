"""Durations, counted in buckets that are one percent wide, so that many can be added up.

Quantiles of quantiles are wrong; quantiles of added histograms are right. Locust's own has two
significant digits and none below a millisecond.
"""

import math
from collections.abc import Iterable, Mapping

BASE = 1.01
SHORTEST = 1e-5
"""Seconds; whatever is shorter counts as this long."""

_SCALE = 1 / math.log(BASE)


class Histogram:
    """Durations in seconds. `add` takes under a microsecond; memory grows with the spread."""

    __slots__ = ("count", "counts", "longest", "total")

    def __init__(
        self,
        counts: Mapping[int, int] | None = None,
        *,
        total: float = 0.0,
        longest: float = 0.0,
    ) -> None:
        self.counts = dict(counts or {})
        self.count = sum(self.counts.values())
        self.total = total
        self.longest = longest

    def add(self, seconds: float) -> None:
        """Count one duration."""
        index = int(math.log(max(seconds, SHORTEST) / SHORTEST) * _SCALE)
        self.counts[index] = self.counts.get(index, 0) + 1
        self.count += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    def merge(self, other: "Histogram") -> None:
        """Count what the other has counted."""
        for index, number in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + number
        self.count += other.count
        self.total += other.total
        self.longest = max(self.longest, other.longest)

    def quantile(self, share: float) -> float | None:
        """Return the duration that this share does not exceed, within 1 %; None if empty."""
        if not self.count:
            return None
        wanted, seen = share * self.count, 0
        for index in sorted(self.counts):
            seen += self.counts[index]
            if seen >= wanted:
                middle: float = SHORTEST * BASE ** (index + 0.5)
                return min(middle, self.longest) if self.longest else middle
        return self.longest

    @property
    def mean(self) -> float | None:
        """In seconds, exactly; None if empty."""
        return self.total / self.count if self.count else None


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """Add several up into a new one."""
    result = Histogram()
    for histogram in histograms:
        result.merge(histogram)
    return result

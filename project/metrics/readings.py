"""Values of metrics at one moment, as workers exchange them."""

import json
from collections.abc import Iterable
from typing import Any, Self

from project.metrics.families import GAUGES, Family

Labels = tuple[str, ...]


class Readings:
    """Values by metric and labels. Each is a list: a number, or a histogram's sum and buckets."""

    def __init__(self) -> None:
        self.values: dict[str, dict[Labels, list[float]]] = {}

    def set(self, family: Family, value: float, *labels: str) -> None:
        self.values.setdefault(family.name, {})[labels] = [value]

    def add(self, others: Self, *, with_gauges: bool = True) -> None:
        """Add every value of other readings to these, or all but the gauges."""
        for name, samples in others.values.items():
            if name in GAUGES and not with_gauges:
                continue
            own = self.values.setdefault(name, {})
            for labels, value in samples.items():
                before = own.get(labels)
                own[labels] = list(value) if before is None else _sum(before, value)

    def encode(self) -> str:
        return json.dumps({name: list(samples.items()) for name, samples in self.values.items()})

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read what `encode` has written."""
        readings = cls()
        written: dict[str, Iterable[Any]] = json.loads(text)
        for name, samples in written.items():
            readings.values[name] = {tuple(labels): value for labels, value in samples}
        return readings


def _sum(one: list[float], other: list[float]) -> list[float]:
    """Add them up one by one; after a release with other buckets the histogram begins anew."""
    if len(one) != len(other):
        return list(other)
    return [left + right for left, right in zip(one, other, strict=True)]

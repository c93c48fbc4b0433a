"""Readings in the text that collectors understand: Prometheus's, or OpenMetrics if asked for."""

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from project.metrics.families import FAMILIES, Family
from project.metrics.readings import Readings


class Exposition(NamedTuple):
    content: bytes
    media_type: str


def expose(readings: Readings, accept: str) -> Exposition:
    """Write the readings in the form that an `Accept` header asks for."""
    registry = CollectorRegistry()
    registry.register(_Collector(readings))
    encode, media_type = choose_encoder(accept)
    return Exposition(encode(registry), media_type)


class _Collector(Collector):
    def __init__(self, readings: Readings) -> None:
        self._values = readings.values

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES:
            metric = _empty(family)
            for labels, value in sorted(self._values.get(family.name, {}).items()):
                _add(metric, family, labels, value)
            yield metric


def _empty(family: Family) -> Metric:
    kinds: dict[str, Callable[..., Metric]] = {
        "counter": CounterMetricFamily,
        "gauge": GaugeMetricFamily,
        "histogram": HistogramMetricFamily,
    }
    return kinds[family.kind](family.name, family.help, labels=family.labels)


def _add(metric: Metric, family: Family, labels: tuple[str, ...], value: list[float]) -> None:
    if isinstance(metric, HistogramMetricFamily):
        bounds = (*map(str, family.bounds), "+Inf")
        counts = accumulate(value[1:])
        metric.add_metric(labels, list(zip(bounds, counts, strict=True)), value[0])
    elif isinstance(metric, CounterMetricFamily | GaugeMetricFamily):
        metric.add_metric(labels, value[0])

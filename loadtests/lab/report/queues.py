"""What was in the server and what stood before it, as more is offered: where a queue grows."""

from collections.abc import Callable
from functools import partial

from loadtests.lab.report.charts import Chart, Panel
from loadtests.lab.report.drawing import FULL, SMALL, Figure
from loadtests.lab.report.loads import OFFERED, hollow_note, line
from loadtests.lab.report.units import number
from loadtests.lab.window import Config, Lane, Pool, Window, Worker

LOW = 90.0
"""Pixels: several panels stand below one another."""

Value = Callable[[Worker], float]


def in_flight(worker: Worker) -> float:
    return worker.in_flight


def before_lanes(worker: Worker) -> float:
    return _waiting(worker.lanes)


def inside_pools(worker: Worker) -> float:
    return _waiting(worker.pools)


def for_a_core(worker: Worker) -> float:
    return worker.core_wait


SEEN: dict[str, Value] = {
    "requests in the server": in_flight,
    "waiting for a lane": before_lanes,
    "waiting inside a pool": inside_pools,
    "threads waiting for a core": for_a_core,
}
"""Means over a window, summed over its workers."""


def figure(config: Config, windows: list[Window]) -> Figure | None:
    """Draw means of each load; None where no probe was asked."""
    seen = [window for window in windows if window.workers]
    if not seen:
        return None
    names = ("in the server", "lane", "pool", "core")
    lines = [
        line(name, ink, seen, partial(_sum, value=value))
        for name, ink, value in zip(names, ("s3", "s2", "bad", "s1"), SEEN.values(), strict=True)
    ]
    connections = [
        line("open", "s4", seen, lambda window: window.database.connections),
        line("active", "s1", seen, lambda window: window.database.active),
    ]
    panels = [
        Panel("requests", lines[:1], height=LOW),
        Panel("waiting for a lane, inside a pool, for a core", lines[1:], height=LOW),
        Panel("connections to the database", connections, height=LOW),
    ]
    chart = Chart(OFFERED, panels, end=max(window.offered or 0.0 for window in seen))
    return Figure(
        "queues",
        f"What waits in {config.label}",
        "Means over all workers. The queue that grows first stands before what is scarce."
        + hollow_note(seen),
        chart.draw(FULL),
        chart.draw(SMALL),
        ["offered /s", *SEEN, "connections", "active"],
        list(map(_row, seen)),
        is_full=True,
    )


def _row(window: Window) -> list[str]:
    sums = [_sum(window, value) for value in SEEN.values()]
    database = window.database
    return [*map(number, (window.offered, *sums, database.connections, database.active))]


def _sum(window: Window, value: Value) -> float:
    return sum(map(value, window.workers))


def _waiting(places: dict[str, Lane] | dict[str, Pool]) -> float:
    return sum(place.waiting for place in places.values())

"""What the probes' files say about a span."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.lab.readings import Readings


def a_line(number: int, **values: Any) -> str:
    """Of a worker with 2 places in a lane, both taken, and 10 requests a second."""
    lane = {"size": 2, "taken": 24 * number, "waiting": 12 * number, "most": 2, "queue": 3}
    pool = {"size": 2, "taken": 12 * number, "waiting": 0, "most": 1, "queue": 0, "timeouts": 0}
    line = {
        "at": 100.0 + number,
        "requests": 10 * number,
        "looks": 12 * number,
        "in_flight": 36 * number,
        "loop_cpu": 0.2 * number,
        "lock_wait": 0.012 * number,
        "lanes": {"database": lane},
        "pools": {"database": pool},
        "routes": {"GET /": [10, 20]},
        "lags": [0.001, 0.03],
        "held": [],
        **values,
    }
    return json.dumps(line) + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "77.jsonl"
    path.write_text("".join(map(a_line, range(5))))
    return path


def test_means_and_sums_are_those_of_the_span(path: Path) -> None:
    readings = Readings(path)
    readings.refresh()
    worker = readings.worker(101.0, 103.0)
    assert (worker.pid, worker.requests, worker.in_flight) == (77, 20, 3.0)
    assert [worker.loop_cpu, worker.lock_wait] == pytest.approx([0.2, 0.001])
    lane, pool = worker.lanes["database"], worker.pools["database"]
    assert (lane.busy, lane.waiting, lane.longest_queue) == (2.0, 1.0, 3)
    assert (pool.in_use, pool.most) == (1.0, 1)
    assert worker.loop_lag.count == 4


def test_statements_are_counted_by_route(path: Path) -> None:
    readings = Readings(path)
    readings.refresh()
    assert readings.queries(100.0, 102.0) == {"GET /": (20, 40)}


def test_a_line_is_read_when_it_has_ended(path: Path) -> None:
    readings = Readings(path)
    readings.refresh()
    whole = a_line(5)
    with path.open("a") as file:
        file.write(whole[:20])
    readings.refresh()
    assert readings.last == 104.0
    with path.open("a") as file:
        file.write(whole[20:])
    readings.refresh()
    assert readings.last == 105.0


def test_lines_that_held_the_loop_are_added_up(path: Path) -> None:
    with path.open("a") as file:
        file.write(a_line(5, held=[["a.py:1 f", 0.1, 2], ["b.py:2 g", 0.2, 1]]))
        file.write(a_line(6, held=[["a.py:1 f", 0.3, 1]]))
    readings = Readings(path)
    readings.refresh()
    first, second = readings.worker(104.0, 106.0).blocked
    assert (first.where, first.times) == ("a.py:1 f", 3)
    assert first.seconds == pytest.approx(0.4)
    assert second.where == "b.py:2 g"

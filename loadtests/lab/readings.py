"""The files that the probes write, and what they say about a span of time."""

import json
from pathlib import Path
from typing import Any

from loadtests.lab.histogram import Histogram
from loadtests.lab.series import Series, flatten
from loadtests.lab.window import Blocked, Lane, Pool, Worker


class Readings:
    """What one worker has written so far; `refresh` reads on."""

    def __init__(self, path: Path) -> None:
        self.pid = int(path.stem)
        self.is_ready = False
        self._path = path
        self._offset = 0
        self._series = Series()
        self._lines: list[dict[str, Any]] = []

    @property
    def last(self) -> float:
        """The moment of the latest line with numbers; 0 before the first."""
        return self._series.last

    def refresh(self) -> None:
        """Read the lines that have been finished since the last time."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in map(json.loads, whole.splitlines()):
            self._take(line)

    def queries(self, begin: float, end: float) -> dict[str, tuple[int, int]]:
        """By route how many requests and statements there were."""
        sums: dict[str, tuple[int, int]] = {}
        for line in self._within(begin, end):
            for route, (requests, statements) in line["routes"].items():
                known = sums.get(route, (0, 0))
                sums[route] = (known[0] + requests, known[1] + statements)
        return sums

    def worker(self, begin: float, end: float) -> Worker:
        """Return what the probe saw; what the system knows of the process is for others."""
        looks = self._growth("looks", begin, end) or 1.0
        lines = self._within(begin, end)
        return Worker(
            pid=self.pid,
            requests=round(self._growth("requests", begin, end)),
            in_flight=self._growth("in_flight", begin, end) / looks,
            loop_cpu=self._growth("loop_cpu", begin, end) / (end - begin),
            loop_lag=_histogram(lines),
            lock_wait=self._growth("lock_wait", begin, end) / looks,
            lanes={name: self._lane(name, begin, end) for name in _names(lines, "lanes")},
            pools={name: self._pool(name, begin, end) for name in _names(lines, "pools")},
            request_seconds=self._growth("request_seconds", begin, end),
            sql_seconds=self._growth("sql_seconds", begin, end),
            sql_statements=round(self._growth("statements", begin, end)),
            lane_seconds=self._growth("lane_seconds", begin, end),
            blocked=_blocked(lines),
        )

    def _take(self, line: dict[str, Any]) -> None:
        if "is_ready" in line:
            self.is_ready = True
            return
        routes = line.pop("routes")
        self._series.add(line["at"], flatten(line))
        self._lines.append({**line, "routes": routes})

    def _growth(self, name: str, begin: float, end: float) -> float:
        return self._series.growth(name, begin, end)

    def _within(self, begin: float, end: float) -> list[dict[str, Any]]:
        return [line for line in self._lines if begin < line["at"] <= end]

    def _mean(self, place: str, what: str, begin: float, end: float) -> float:
        looks = self._growth("looks", begin, end)
        return self._growth(f"{place}.{what}", begin, end) / looks if looks else 0.0

    def _lane(self, name: str, begin: float, end: float) -> Lane:
        place = f"lanes.{name}"
        lines = [line["lanes"][name] for line in self._within(begin, end)]
        return Lane(
            size=lines[-1]["size"],
            busy=self._mean(place, "taken", begin, end),
            waiting=self._mean(place, "waiting", begin, end),
            longest_queue=max(line["queue"] for line in lines),
            shed=round(self._growth(f"{place}.shed", begin, end)),
            wait=self._growth(f"{place}.wait", begin, end),
        )

    def _pool(self, name: str, begin: float, end: float) -> Pool:
        place = f"pools.{name}"
        lines = [
            found[name] for line in self._within(begin, end) if name in (found := line["pools"])
        ]
        return Pool(
            size=lines[-1]["size"],
            in_use=self._mean(place, "taken", begin, end),
            waiting=self._mean(place, "waiting", begin, end),
            most=max(line["most"] for line in lines),
            timeouts=round(self._growth(f"{place}.timeouts", begin, end)),
        )


def _names(lines: list[dict[str, Any]], kind: str) -> list[str]:
    found: dict[str, None] = {}
    for line in lines:
        found |= dict.fromkeys(line[kind])
    return list(found)


def _histogram(lines: list[dict[str, Any]]) -> Histogram:
    found = Histogram()
    for line in lines:
        for lag in line["lags"]:
            found.add(lag)
    return found


def _blocked(lines: list[dict[str, Any]]) -> list[Blocked]:
    """Add up what held the loop, the line that did so for the longest first."""
    found: dict[str, Blocked] = {}
    for line in lines:
        for where, seconds, times in line["held"]:
            entry = found.setdefault(where, Blocked(where=where, seconds=0.0, times=0))
            entry.seconds += seconds
            entry.times += times
    return sorted(found.values(), key=lambda entry: -entry.seconds)

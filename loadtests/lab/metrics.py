"""What can be budgeted: a number drawn from windows, and which way it gets worse."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from loadtests.lab.histogram import merged
from loadtests.lab.result import Machine, Postgres
from loadtests.lab.window import Route, Window

TAIL = 5
"""Requests that must lie beyond a quantile, so that it is more than its slowest request."""


@dataclass(frozen=True)
class Evidence:
    """What budgets are held against: the windows of one server, and where it ran."""

    windows: Sequence[Window]
    machine: Machine
    postgres: Postgres | None = None
    capacity: float | None = None
    """Requests a second, where a ladder has found it."""

    pool_timeouts: int | None = None
    """Of the burst; None where none was made."""

    @property
    def valid(self) -> list[Window]:
        return [window for window in self.windows if not window.voids]

    @property
    def steady(self) -> list[Window]:
        """Those whose latencies mean something: of arrivals that wait for nobody, if there are.

        Where all of those are void there is nothing: a closed load is no substitute for them.
        """
        has_open = any(window.model == "open" for window in self.windows)
        return [window for window in self.valid if window.model == "open" or not has_open]


@dataclass(frozen=True)
class Metric:
    """A number that has a budget; `read` gets the evidence and, of a route, its name."""

    read: Callable[[Evidence, str], float | None]
    is_better_higher: bool = False
    share: float | None = None
    """Of a quantile; it decides how many requests are too few."""

    most: float = field(default=float("inf"))
    """No budget above it makes sense."""


def routes(windows: Iterable[Window], route: str = "") -> Iterator[Route]:
    """Each window's counts of this route, or of all of them."""
    return (
        found for window in windows for found in window.routes if not route or found.route == route
    )


def requests(evidence: Evidence, route: str = "") -> int:
    """How many latencies were seen."""
    return sum(found.ok.count for found in routes(evidence.steady, route))


def quantile(share: float) -> Metric:
    """Milliseconds within which this share of the expected answers came."""

    def read(evidence: Evidence, route: str) -> float | None:
        seconds = merged(found.ok for found in routes(evidence.steady, route)).quantile(share)
        return None if seconds is None else seconds * 1000

    return Metric(read, share=share)


def error_rate(evidence: Evidence, route: str = "") -> float | None:
    """Share of requests that were not answered as expected, at any load."""
    found = list(routes(evidence.valid, route))
    failed = sum(one.failed.count for one in found)
    total = failed + sum(one.ok.count for one in found)
    return failed / total if total else None


def cpu_per_request(windows: Iterable[Window]) -> float | None:
    """Milliseconds of processor that the workers took for a request."""
    windows = list(windows)
    spent = sum(worker.cpu * window.seconds for window in windows for worker in window.workers)
    served = sum(worker.requests for window in windows for worker in window.workers)
    return 1000 * spent / served if served else None


def queries_per_request(windows: Iterable[Window]) -> float | None:
    """SQL statements of a request, over all routes as the mix has them."""
    workers = [worker for window in windows for worker in window.workers]
    served = sum(worker.requests for worker in workers)
    return sum(worker.sql_statements for worker in workers) / served if served else None


def queries_of_route(windows: Iterable[Window], route: str) -> float | None:
    """SQL statements of a request of this route; the mix does not matter to it."""
    found = [one for one in routes(windows, route) if one.queries is not None]
    weight = sum(one.ok.count + one.failed.count for one in found)
    total = sum((one.queries or 0) * (one.ok.count + one.failed.count) for one in found)
    return total / weight if weight else None


def memory(windows: Iterable[Window]) -> float | None:
    """Bytes of all workers together, at most."""
    sums = [sum(worker.memory for worker in window.workers) for window in windows]
    return max(sums, default=0) or None


def capacity(evidence: Evidence) -> float | None:
    """What a ladder found, or else what a closed load got: the middle of its windows."""
    if evidence.capacity is not None:
        return evidence.capacity
    rates = sorted(window.rate for window in evidence.valid if window.model == "closed")
    return rates[len(rates) // 2] if rates else None


def loop_lag(evidence: Evidence) -> float | None:
    """Milliseconds by which the event loop was late, at the 95th percentile."""
    workers = (worker for window in evidence.valid for worker in window.workers)
    seconds = merged(worker.loop_lag for worker in workers).quantile(0.95)
    return None if seconds is None else seconds * 1000


def memory_share(evidence: Evidence) -> float | None:
    """Of the machine's memory, what all workers take."""
    taken = memory(evidence.valid)
    return None if taken is None else taken / evidence.machine.memory


def connections_share(evidence: Evidence) -> float | None:
    """Of the connections that PostgreSQL has for ordinary roles, those that were taken."""
    most = max((window.database.most_connections for window in evidence.valid), default=0)
    if evidence.postgres is None or not most:
        return None
    return most / (evidence.postgres.max_connections - evidence.postgres.reserved)


GLOBAL = {
    "error_rate": Metric(error_rate, most=1),
    "p50_ms": quantile(0.5),
    "p95_ms": quantile(0.95),
    "p99_ms": quantile(0.99),
    "cpu_ms_per_request": Metric(lambda evidence, _: cpu_per_request(evidence.valid)),
    "queries_per_request": Metric(lambda evidence, _: queries_per_request(evidence.valid)),
    "capacity_min": Metric(lambda evidence, _: capacity(evidence), is_better_higher=True),
    "burst_pool_timeouts": Metric(lambda evidence, _: evidence.pool_timeouts),
}
ROUTE = {
    "error_rate": GLOBAL["error_rate"],
    "p50_ms": GLOBAL["p50_ms"],
    "p95_ms": GLOBAL["p95_ms"],
    "p99_ms": GLOBAL["p99_ms"],
    "queries_max": Metric(lambda evidence, route: queries_of_route(evidence.valid, route)),
}
LIMITS = {
    "connections_share": Metric(lambda evidence, _: connections_share(evidence), most=1),
    "memory_share": Metric(lambda evidence, _: memory_share(evidence), most=1),
    "loop_lag_p95_ms": Metric(lambda evidence, _: loop_lag(evidence)),
}

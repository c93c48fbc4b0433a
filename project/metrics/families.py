"""Every metric there is: its name, what its labels are, what it says.

Dashboards and alerts name them, and a test compares. Whatever is added up over workers has to
make sense as a sum: no averages and no percentiles, but counts, seconds and histograms.
"""

from dataclasses import dataclass
from typing import Literal

DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LAGS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

REPLICA_LAGS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True)
class Family:
    """A metric with all its labels; a counter's samples end in `_total`."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Upper ends of a histogram's buckets; one without an end comes after them."""

    @property
    def samples(self) -> tuple[str, ...]:
        """The names that queries use."""
        if self.kind == "counter":
            return (f"{self.name}_total",)
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


REQUESTS = Family(
    "http_requests", "counter", "Requests that were answered.", ("method", "route", "status")
)
DURATION = Family(
    "http_request_duration_seconds",
    "histogram",
    "Time until an answer began.",
    ("method", "route"),
    DURATIONS,
)
LANE_TOKENS = Family("lane_tokens", "gauge", "Places of a lane.", ("lane",))
LANE_RUNNING = Family("lane_running", "gauge", "Places of a lane that are taken.", ("lane",))
LANE_WAITING = Family("lane_waiting", "gauge", "Who waits for a place of a lane.", ("lane",))
LANE_COMPLETED = Family("lane_completed", "counter", "Work that a lane has done.", ("lane",))
LANE_SHED = Family("lane_shed", "counter", "Work that a lane has refused (503).", ("lane",))
LANE_WAIT = Family("lane_wait_seconds", "counter", "All waits for a place, added up.", ("lane",))
POOL_SIZE = Family("database_pool_size", "gauge", "Connections of a pool at most.", ("pool",))
POOL_IN_USE = Family("database_pool_in_use", "gauge", "Connections that are lent out.", ("pool",))
DATABASE_ERRORS = Family(
    "database_errors",
    "counter",
    "Errors of the database, those that were answered by trying again included.",
    ("sqlstate",),
)
REPLICA_READS = Family(
    "replica_reads",
    "counter",
    "Reads that may be the replica's: who answered, and of the primary's, why it was not.",
    ("answered_by", "reason"),
)
REPLICA_LAG = Family(
    "replica_lag_seconds",
    "histogram",
    "How far the replica was behind, looked at four times a second.",
    bounds=REPLICA_LAGS,
)
REPLICA_USED = Family("replica_used", "gauge", "Workers that read from the replica.")
LOOP_LAG = Family(
    "event_loop_lag_seconds",
    "histogram",
    "How late an event loop was, looked at four times a second.",
    bounds=LAGS,
)
WORKERS = Family("workers", "gauge", "Processes that answer requests.")
MEMORY = Family("worker_memory_bytes", "gauge", "Memory that the workers occupy (Linux).")

FAMILIES = (
    *(REQUESTS, DURATION, LANE_TOKENS, LANE_RUNNING, LANE_WAITING, LANE_COMPLETED, LANE_SHED),
    *(LANE_WAIT, POOL_SIZE, POOL_IN_USE, DATABASE_ERRORS, REPLICA_READS),
    *(REPLICA_LAG, REPLICA_USED, LOOP_LAG, WORKERS, MEMORY),
)
GAUGES = frozenset(family.name for family in FAMILIES if family.kind == "gauge")

"""A window: a span of time in which one configuration bore one load, and what was seen in it.

Everything else is drawn from windows. Times are seconds, sizes bytes, rates by the second,
shares 0 to 1, moments seconds since the epoch; a route is `GET /api/v1/items/{item_id}`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from loadtests.lab.histogram import Histogram, merged


def _to_histogram(value: Any) -> Histogram:
    if isinstance(value, Histogram):
        return value
    counts = {int(index): int(number) for index, number in value["counts"].items()}
    return Histogram(counts, total=value["total"], longest=value["longest"])


def _from_histogram(value: Histogram) -> dict[str, Any]:
    counts = {str(index): value.counts[index] for index in sorted(value.counts)}
    return {"counts": counts, "total": round(value.total, 6), "longest": round(value.longest, 6)}


Durations = Annotated[
    Histogram,
    BeforeValidator(_to_histogram),
    PlainSerializer(_from_histogram),
    Field(json_schema_extra={"type": "object"}),
]


class Part(BaseModel):
    """A part of the document: unknown names are refused, so that a typing error is seen."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Config(Part):
    """A configuration of the server: what the laboratory varies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = 1
    pool: int = 8
    """Connections of a worker and threads of its database lane: always the same number."""

    variables: tuple[tuple[str, str], ...] = ()
    """Further settings of the environment, `CPU_LANE_SIZE` say."""

    revision: str = ""
    """A Git revision beside the working tree's; empty for the tree itself."""

    @property
    def label(self) -> str:
        """Short, for tables and axes: `2x8`."""
        extra = "".join(f" {name}={value}" for name, value in self.variables)
        return f"{self.workers}x{self.pool}{extra}" + (
            f" @ {self.revision[:8]}" if self.revision else ""
        )


class Route(Part):
    """What became of a route's requests in a window; only expected answers are `ok`."""

    route: str
    ok: Durations = Field(default_factory=Histogram)
    failed: Durations = Field(default_factory=Histogram)
    complaints: dict[str, int] = {}
    """Why they failed, `expected 200, got 503 (busy)`, and how often."""

    queries: float | None = None
    """SQL statements a request, on average; None where no probe was asked."""


class Second(Part):
    """One second of a window, for the timelines."""

    at: float
    """Since the window began."""

    offered: int = 0
    """Journeys that were due; `done`, `failed` and `in_flight` (at its end) are journeys, too."""

    done: int = 0
    failed: int = 0
    in_flight: int = 0
    p95: float | None = None
    """Of the requests that were answered in it as expected."""


class GeneratorHealth(Part):
    """Whether the generator was good for what it was asked."""

    processes: int = 1
    cpu: float = 0.0
    """Share of a core that its busiest process took."""

    lateness: Durations = Field(default_factory=Histogram)
    """How long after its due moment each arrival left."""

    dropped: int = 0
    """Arrivals that were not sent because too many were in flight."""


class Lane(Part):
    """A lane of one worker during a window."""

    size: int
    busy: float = 0.0
    """Mean number of places taken."""

    waiting: float = 0.0
    longest_queue: int = 0
    shed: int = 0
    wait: float = 0.0
    """Seconds waited for a place, all requests together."""


class Pool(Part):
    """A pool of connections of one worker during a window."""

    size: int
    in_use: float = 0.0
    """Mean number of connections taken."""

    waiting: float = 0.0
    """Mean number of threads that wait for one inside the pool; 0 where a lane stands before it."""

    most: int = 0
    timeouts: int = 0


class Blocked(Part):
    """A line that held the event loop."""

    where: str
    """`apps/items/api/v1.py:51 read_item`."""

    seconds: float
    times: int


class Worker(Part):
    """One worker process during a window, as its probe saw it."""

    pid: int
    requests: int = 0
    in_flight: float = 0.0
    """Mean number of requests that it was at work on."""

    cpu: float = 0.0
    """Cores that the process took; its loop's thread alone is `loop_cpu`."""

    loop_cpu: float = 0.0
    core_wait: float = 0.0
    """Mean number of its threads that were ready and had no core; 0 where the system is silent."""

    memory: int = 0
    loop_lag: Durations = Field(default_factory=Histogram)
    lock_wait: float = 0.0
    """Mean seconds that a woken thread waited for the interpreter's lock."""

    lanes: dict[str, Lane] = {}
    pools: dict[str, Pool] = {}
    request_seconds: float = 0.0
    sql_seconds: float = 0.0
    sql_statements: int = 0
    lane_seconds: float = 0.0
    """In lanes, all requests together; `request_seconds` is all their time in the server."""

    blocked: list[Blocked] = []


class DatabaseLoad(Part):
    """What the database did during a window; means over samples."""

    connections: float = 0.0
    most_connections: int = 0
    active: float = 0.0
    waiting: dict[str, float] = {}
    """Backends by what they wait for, `Lock: transactionid` say."""

    idle_in_transaction: float = 0.0
    cpu: float = 0.0
    """Cores that all backends took; 0 where it runs elsewhere."""


class Window(Part):
    """A span of time in which one configuration bore one load."""

    name: str
    """What it was for: `warm-up`, `saturate`, `ladder 60 %`, `pair 3 A`."""

    config: Config
    model: Literal["open", "closed"]
    offered: float | None = None
    """Journeys a second that were due; None for the closed model."""

    users: int | None = None
    """Of the closed model."""

    began: float
    seconds: float
    journeys: int = 0
    """Journeys that were finished."""

    routes: list[Route] = []
    timeline: list[Second] = []
    generator: GeneratorHealth = GeneratorHealth()
    workers: list[Worker] = []
    database: DatabaseLoad = DatabaseLoad()
    steal: float = 0.0
    """Share of the machine's time that its host gave to others."""

    voids: list[str] = []
    """Why nothing may be concluded from it; empty for a valid window."""

    @property
    def requests(self) -> int:
        """Answers that were as expected."""
        return sum(route.ok.count for route in self.routes)

    @property
    def rate(self) -> float:
        """Expected answers a second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def error_rate(self) -> float:
        """Share of requests that failed."""
        failed = sum(route.failed.count for route in self.routes)
        return failed / (failed + self.requests) if failed else 0.0

    def quantile(self, share: float) -> float | None:
        """Of all expected answers."""
        return merged(route.ok for route in self.routes).quantile(share)

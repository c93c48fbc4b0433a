"""Windows made by hand, for what is concluded from windows."""

from typing import Any

from loadtests.lab.histogram import Histogram
from loadtests.lab.metrics import Evidence
from loadtests.lab.result import Machine, Postgres
from loadtests.lab.window import Config, DatabaseLoad, Route, Window, Worker

MACHINE = Machine(cores=2, cpu="a processor", memory=2**32, system="Linux", python="3.11.7")
POSTGRES = Postgres(version="18.4", max_connections=100, reserved=3)
READ, WRITE = "GET /things/{id}", "POST /things/"


def durations(seconds: float, count: int) -> Histogram:
    """As many requests as asked for, spread by 10 % about this time."""
    histogram = Histogram()
    for place in range(count):
        histogram.add(seconds * (0.9 + 0.2 * place / count))
    return histogram


def a_window(
    *,
    name: str = "saturate",
    model: Any = "closed",
    seconds: float = 10.0,
    latency: float = 0.02,
    count: int = 1000,
    failed: int = 0,
    cpu_ms: float = 3.0,
    queries: float = 2.0,
    voids: tuple[str, ...] = (),
    connections: int = 10,
) -> Window:
    """One worker that answers two routes, a quarter of the requests being writes."""
    writes = count // 4
    reads = Route(route=READ, ok=durations(latency, count - writes), queries=queries)
    reads.failed = durations(0.001, failed)
    worker = Worker(
        pid=1,
        requests=count,
        cpu=cpu_ms * count / 1000 / seconds,
        memory=2**28,
        sql_statements=round(queries * count),
        loop_lag=durations(0.004, 100),
    )
    return Window(
        name=name,
        config=Config(),
        model=model,
        began=0.0,
        seconds=seconds,
        journeys=count // 2,
        routes=[reads, Route(route=WRITE, ok=durations(2 * latency, writes), queries=queries + 1)],
        workers=[worker],
        database=DatabaseLoad(most_connections=connections),
        voids=list(voids),
    )


def evidence(*windows: Window, **more: Any) -> Evidence:
    """Of a machine with two cores and a hundred connections."""
    return Evidence(windows, MACHINE, POSTGRES, **more)

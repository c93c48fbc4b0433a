"""Windows as they are recorded, for tests of what is concluded from them."""

from typing import Any

from loadtests.lab.histogram import Histogram
from loadtests.lab.window import Config, GeneratorHealth, Lane, Pool, Route, Second, Window, Worker


def durations(seconds: float, times: int) -> Histogram:
    found = Histogram()
    for _ in range(times):
        found.add(seconds)
    return found


def a_window(*, requests: int = 1000, latency: float = 0.02, **changes: Any) -> Window:
    """Return a valid one: two users keep two workers at work for ten seconds."""
    route = Route(route="GET /api/v1/items/", ok=durations(latency, requests))
    window = Window(
        name="saturate",
        config=Config(workers=2, pool=4),
        model="closed",
        users=round(requests * latency / 10),
        began=1000.0,
        seconds=10.0,
        journeys=requests // 2,
        routes=[route],
        generator=GeneratorHealth(cpu=0.3),
        workers=[a_worker(requests=requests // 2), a_worker(requests=requests // 2)],
    )
    return window.model_copy(update=changes)


def a_worker(*, requests: int = 500, **changes: Any) -> Worker:
    worker = Worker(
        pid=1,
        requests=requests,
        cpu=0.4,
        sql_seconds=0.004 * requests,
        lanes={"database": Lane(size=4, busy=0.25)},
        pools={"database": Pool(size=4, in_use=0.25)},
    )
    return worker.model_copy(update=changes)


def an_open_window(
    rate: float = 20.0, *, flights: tuple[int, ...] = (1,) * 9, **changes: Any
) -> Window:
    timeline = [Second(at=at, offered=20, in_flight=number) for at, number in enumerate(flights)]
    late = GeneratorHealth(cpu=0.3, lateness=durations(0.001, 100))
    given = {"model": "open", "users": None, "offered": rate, "timeline": timeline}
    return a_window(**{**given, "generator": late, **changes})

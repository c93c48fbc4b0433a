"""Servers with a bottleneck that was put there on purpose, and a healthy one.

They are served and probed as the real one is; a diagnosis that does not find what was planted is
wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import URL, create_engine, text

from loadtests.lab.client import Order, send
from loadtests.lab.result import Cause
from loadtests.lab.server import Server, serving
from loadtests.lab.window import Config, GeneratorHealth, Route, Window

PLANTED = "loadtests.lab.plants.application:app"
DOCUMENTED = "loadtests.lab.plants.documented:app"
LIVE = "/health/live"
USERS = 24
TABLE = (
    "DROP TABLE IF EXISTS planted_counter",
    "CREATE TABLE planted_counter (id int PRIMARY KEY, number int NOT NULL)",
    "INSERT INTO planted_counter VALUES (1, 0)",
)


@dataclass(frozen=True, kw_only=True)
class Plant:
    """One bottleneck: where it is, how it is loaded, and what has to be said of it."""

    name: str
    cause: Cause
    path: str
    names: str = ""
    """What the diagnosis has to name: a lane, a line."""

    method: str = "GET"
    config: Config = field(default_factory=Config)
    application: str = PLANTED
    users: int = USERS
    pause: float = 0.0


PLANTS = (
    Plant(name="healthy", cause=Cause.NONE, path="/planted/wait", users=2, pause=0.05),
    Plant(name="small pool", cause=Cause.POOL, path="/planted/wait", config=Config(pool=2)),
    Plant(
        name="small lane",
        cause=Cause.LANE,
        path="/planted/hash",
        names="cpu",
        config=Config(variables=(("CPU_LANE_SIZE", "1"),)),
    ),
    Plant(name="Python", cause=Cause.CPU, path="/planted/python"),
    Plant(name="heavy SQL", cause=Cause.DATABASE, path="/planted/heavy"),
    Plant(name="one row", cause=Cause.LOCKS, path="/planted/row", method="POST"),
    Plant(
        name="blocked loop",
        cause=Cause.BLOCKED_LOOP,
        path="/planted/blocked",
        names="planted/routes.py",
    ),
    Plant(
        name="documented session",
        cause=Cause.LOCK_UP,
        path="/planted/documented",
        config=Config(pool=4, variables=(("THREADS", "10"),)),
        application=DOCUMENTED,
        users=32,
    ),
)


def prepare(url: URL) -> None:
    """Make the table that the plants need."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in TABLE:
            connection.execute(text(statement))
    engine.dispose()


@contextmanager
def growing(plant: Plant, url: URL, *, is_probed: bool = True) -> Iterator[Server]:
    """Serve a plant."""
    with serving(
        plant.config, url, is_probed=is_probed, application=plant.application, path=LIVE
    ) as server:
        yield server


def observe(plant: Plant, server: Server, *, seconds: float) -> Window:
    """Load a plant and return what was seen."""
    answers = send(
        Order(
            host=server.host,
            path=plant.path,
            method=plant.method,
            users=plant.users,
            seconds=seconds,
            pause=plant.pause,
        )
    )
    begin, end = answers.began, answers.began + answers.seconds
    name = f"{plant.method} {plant.path}"
    complaints = {f"status {code}": n for code, n in answers.statuses.items() if code >= 400}  # noqa: PLR2004
    route = Route(
        route=name,
        ok=answers.ok,
        failed=answers.failed,
        complaints=complaints,
        queries=server.queries(begin, end).get(name),
    )
    return Window(
        name=plant.name,
        config=plant.config,
        model="closed",
        users=plant.users,
        began=begin,
        seconds=answers.seconds,
        journeys=answers.ok.count,
        routes=[route],
        generator=GeneratorHealth(cpu=answers.cpu),
        workers=server.workers(begin, end),
        database=server.database(begin, end),
        steal=server.steal(begin, end),
    )

"""Lets a plan's load meet servers, and puts together what both sides saw.

with laboratory_database() as url, serving(Config(workers=2), url) as server:
    windows = Laboratory().measure([server], plan)
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol

from loadtests.lab.generator.driver import Tally, drive
from loadtests.lab.generator.mix import hash_of, mix_of, shares_of
from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.generator.routes import unvisited
from loadtests.lab.machine import describe, git_state, versions
from loadtests.lab.result import ExitCode, Postgres, Result, Verdict
from loadtests.lab.validity import voids
from loadtests.lab.window import Config, DatabaseLoad, Window, Worker
from project.checks import Subject
from project.settings import ROOT, load_settings

RESULTS = ROOT / "loadtests" / "results"
UNFINISHED = Verdict(code=ExitCode.INCONCLUSIVE, summary="It was not finished.")

Kind = Literal["run", "sweep", "gate", "smoke", "selfcheck", "baseline"]
Drive = Callable[..., list[Tally]]


class Observed(Protocol):
    """A server that is loaded, and what its probes tell of a span of time."""

    @property
    def host(self) -> str: ...
    @property
    def config(self) -> Config: ...
    def workers(self, begin: float, end: float) -> list[Worker]: ...
    def queries(self, begin: float, end: float) -> dict[str, float]: ...
    def database(self, begin: float, end: float) -> DatabaseLoad: ...
    def restarts(self) -> int: ...
    def steal(self, begin: float, end: float) -> float: ...


class Laboratory:
    """Measures; `on_segment` hears what is being done."""

    def __init__(
        self, *, on_segment: Callable[[Segment], None] = lambda _: None, driver: Drive = drive
    ) -> None:
        self._on_segment = on_segment
        self._drive = driver

    def measure(self, servers: Sequence[Observed], plan: Plan) -> list[Window]:
        """Drive the plan's segments against these servers; return a window for each measured one.

        A window that breaks a rule of `validity` says so in `voids`.
        """
        by_host = {server.host: server for server in servers}
        before = {server.host: server.restarts() for server in servers}
        tallies = self._drive(plan, on_segment=self._on_segment)
        restarts = {host: server.restarts() - before[host] for host, server in by_host.items()}
        windows = [compose(by_host[tally.segment.host], tally) for tally in tallies]
        for window, tally in zip(windows, tallies, strict=True):
            window.voids = voids(window, restarts=restarts[tally.segment.host])
        return windows


def compose(server: Observed, tally: Tally) -> Window:
    """Put what the generator counted beside what the probes saw at the same time."""
    segment = tally.segment
    # The drain after the segment is no load: what servers do then would water down their means.
    begin, end = tally.began, tally.began + segment.seconds
    is_open = segment.model == "open"
    queries = server.queries(begin, end)
    return Window(
        name=segment.name,
        config=server.config,
        model=segment.model,
        offered=segment.rate if is_open else None,
        users=None if is_open else segment.users,
        began=begin,
        seconds=tally.seconds,
        journeys=tally.journeys,
        routes=[
            route.model_copy(update={"queries": queries.get(route.route)}) for route in tally.routes
        ],
        timeline=tally.timeline,
        generator=tally.generator,
        workers=server.workers(begin, end),
        database=server.database(begin, end),
        steal=server.steal(begin, end),
    )


def start_result(
    kind: Kind, *, postgres: Postgres | None = None, scenarios: Sequence[str] = ()
) -> Result:
    """Begin a document: where, with what and on which revision it is measured."""
    started, mix = time.time(), mix_of(scenarios)
    return Result(
        kind=kind,
        id=f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(started))}-{kind}",
        started=started,
        machine=describe(),
        postgres=postgres,
        git=git_state(),
        versions=versions(),
        current=current_config(),
        mix=shares_of(mix),
        mix_hash=hash_of(mix),
        coverage=unvisited(mix, Subject.load().application.openapi()),
        verdict=UNFINISHED,
    )


def current_config() -> Config:
    """What the settings say now."""
    settings = load_settings()
    return Config(workers=settings.server.workers, pool=settings.database.pool_size)


def path_of(result: Result) -> Path:
    """Where a result's document is kept; its report lies beside it."""
    return RESULTS / f"{result.id}.json"

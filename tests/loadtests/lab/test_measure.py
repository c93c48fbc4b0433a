"""What both sides saw, put together."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from loadtests.lab.generator.driver import Tally
from loadtests.lab.generator.mix import mix_of
from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.generator.routes import documented, routes_of
from loadtests.lab.measure import Laboratory, start_result
from loadtests.lab.window import Config, DatabaseLoad, GeneratorHealth, Route, Worker
from project.checks import Subject
from tests.loadtests.lab.windows import a_worker, durations


@dataclass
class Observed:
    """A server that remembers which spans it was asked about."""

    host: str
    config: Config = field(default_factory=Config)
    starts: list[int] = field(default_factory=lambda: [0, 0])
    spans: list[tuple[float, float]] = field(default_factory=list)

    def workers(self, begin: float, end: float) -> list[Worker]:
        self.spans.append((begin, end))
        return [a_worker()]

    def queries(self, _begin: float, _end: float) -> dict[str, float]:
        return {"GET /a": 2.0}

    def database(self, _begin: float, _end: float) -> DatabaseLoad:
        return DatabaseLoad(connections=3)

    def restarts(self) -> int:
        return self.starts.pop(0)

    def steal(self, _begin: float, _end: float) -> float:
        return 0.01


def tally(host: str) -> Tally:
    """Ten seconds of load, and one until the last answer."""
    segment = Segment("saturate", host, "closed", 10, users=2)
    return Tally(
        segment=segment,
        began=100.0,
        seconds=11.0,
        journeys=5,
        routes=[
            Route(route="GET /a", ok=durations(0.022, 500)),
            Route(route="GET /b", ok=durations(0.022, 500)),
        ],
        generator=GeneratorHealth(cpu=0.2),
    )


def drive(plan: Plan, *, on_segment: Callable[[Segment], None]) -> list[Tally]:
    on_segment(plan.segments[0])
    return [tally(segment.host) for segment in plan.segments]


def plan_for(*hosts: str) -> Plan:
    return Plan(segments=tuple(Segment("saturate", host, "closed", 10, users=2) for host in hosts))


def test_a_window_is_what_both_sides_saw() -> None:
    heard: list[str] = []
    server = Observed("http://a", Config(workers=1, pool=4))
    laboratory = Laboratory(on_segment=lambda segment: heard.append(segment.name), driver=drive)
    (window,) = laboratory.measure([server], plan_for("http://a"))
    assert (window.config, window.users, window.offered) == (server.config, 2, None)
    assert (window.database.connections, window.steal) == (3, 0.01)
    assert {route.route: route.queries for route in window.routes} == {
        "GET /a": 2.0,
        "GET /b": None,
    }
    assert server.spans == [(100.0, 110.0)]  # without the drain
    assert (window.voids, heard) == ([], ["saturate"])


def test_a_worker_that_was_replaced_voids_the_windows_of_its_server_alone() -> None:
    broken, whole = Observed("http://a", starts=[0, 1]), Observed("http://b")
    windows = Laboratory(driver=drive).measure([broken, whole], plan_for("http://a", "http://b"))
    assert ["started again" in " ".join(window.voids) for window in windows] == [True, False]


def test_the_mix_is_all_journeys_by_their_weights() -> None:
    started = start_result("run")
    known = set(documented(Subject.load().application.openapi()))
    visited = {route for entry in mix_of() for route in routes_of(entry)}
    assert set(started.coverage) == known - visited
    assert visited
    shares = started.mix
    assert sum(shares.values()) == pytest.approx(1, abs=1e-4)
    assert all("." in name for name in shares)


def test_a_document_begins_with_where_and_what() -> None:
    result = start_result("run")
    assert result.id.endswith("-run")
    assert result.machine.cores >= 1
    assert {"fastapi", "locust"} <= set(result.versions)
    assert json.loads(result.model_dump_json(by_alias=True))["verdict"]["code"] == 5

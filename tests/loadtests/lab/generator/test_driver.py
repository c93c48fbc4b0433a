"""The generator in processes of its own, against a server whose waits are known."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from loadtests.lab.generator.driver import drive
from loadtests.lab.generator.plan import Plan, Segment
from project.errors import CommandError
from project.settings import ROOT
from tests.loadtests.lab.generator.conftest import ORACLE, Oracle
from tests.processes import until

pytestmark = pytest.mark.loadtest


def plan_of(
    oracle: Oracle, scenario: str = "Refused", *, processes: int = 1, seed: int = 0
) -> Plan:
    return Plan(
        (
            Segment("warm-up", oracle.host, "closed", 0.5, users=2, is_measured=False),
            Segment("open", oracle.host, "open", 1, rate=60),
            Segment("closed", oracle.host, "closed", 1, users=4),
        ),
        scenarios=(f"{ORACLE}:{scenario}",),
        processes=processes,
        seed=seed,
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_client_and_server_count_the_same(oracle: Oracle, processes: int) -> None:
    began: list[str] = []
    plan = plan_of(oracle, processes=processes)
    before = oracle.counts().get("/refuse", 0)
    tallies = drive(plan, on_segment=lambda segment: began.append(segment.name))
    assert began == ["warm-up", "open", "closed"]
    assert [tally.segment.name for tally in tallies] == ["open", "closed"]
    for tally in tallies:
        (route,) = tally.routes
        assert abs(route.ok.count - route.failed.count) <= 10
        assert route.complaints == {"expected 200, got 503": route.failed.count}
        assert tally.generator.processes == processes
    counted = sum(route.ok.count + route.failed.count for t in tallies for route in t.routes)
    rest = oracle.counts()["/refuse"] - before - counted
    assert 0 < rest < counted  # which the warm-up had


def test_arrivals_are_the_same_however_many_processes_share_them(oracle: Oracle) -> None:
    def offered(seed: int, processes: int = 1) -> list[int]:
        (tally, _) = drive(plan_of(oracle, seed=seed, processes=processes))
        return [second.offered for second in tally.timeline[:1]]

    assert offered(1) == offered(1, processes=2) != offered(2)


def test_who_gets_no_answer_is_counted_where_it_was_asked(oracle: Oracle) -> None:
    segment = Segment("hang", oracle.host, "open", 1, rate=20)
    plan = Plan((segment,), scenarios=(f"{ORACLE}:Hung",), most_in_flight=5, drain=0.5)
    (tally,) = drive(plan)
    (route,) = tally.routes
    assert (route.failed.count, tally.journeys) == (5, 0)
    assert route.complaints == {"no answer by the end of the segment": 5}
    assert sum(each.offered for each in tally.timeline) == 5 + tally.generator.dropped


def test_mistakes_of_a_scenario_are_failures(oracle: Oracle) -> None:
    (tally, _) = drive(plan_of(oracle, "Mistaken"))
    route, _ = tally.routes
    assert (route.route, route.ok.count) == ("(journey) mistaken.ask", 0)
    assert list(route.complaints) == ["KeyError: 'items'"]


def test_configuration_that_lies_around_changes_nothing(
    oracle: Oracle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these would make Locust itself do something else."""
    for name in (".locust.conf", "locust.conf"):
        (tmp_path / name).write_text("users = 1\nrun-time = 1s\nmaster = true\n")
    (tmp_path / "pyproject.toml").write_text('[tool.locust]\nheadless = "no"\nworker = true\n')
    for name, value in {"HOME": tmp_path, "LOCUST_USERS": 1, "LOCUST_SKIP_MONKEY_PATCH": 1}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    (tally, _) = drive(plan_of(oracle))
    assert sum(second.offered for second in tally.timeline) > 30


@pytest.mark.parametrize(
    ("host", "scenario", "message"),
    [
        ("http://shop.example.com", "Refused", "is not this machine"),
        ("http://127.0.0.1:9", "Nobody", "no attribute 'Nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_line(host: str, scenario: str, message: str) -> None:
    segment = Segment("a", host, "closed", 1, users=1)
    with pytest.raises(CommandError, match=message) as caught:
        drive(Plan((segment,), scenarios=(f"{ORACLE}:{scenario}",)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_generators_end_with_whoever_drives_them(oracle: Oracle, number: signal.Signals) -> None:
    code = f"""
from loadtests.lab.generator.driver import Plan, Segment, drive
segment = Segment("long", {oracle.host!r}, "open", 60, rate=20)
plan = Plan((segment,), scenarios=("{ORACLE}:Refused",), processes=2)
drive(plan, on_segment=lambda _: print("begun", flush=True))
"""
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as it:
        assert it.stdout is not None
        assert it.stdout.readline().strip() == b"begun"
        generators = psutil.Process(it.pid).children()
        assert len(generators) == 3
        os.kill(it.pid, number)
        it.wait(30)
    until(lambda: not any(each.is_running() for each in generators), "the end of the generators")

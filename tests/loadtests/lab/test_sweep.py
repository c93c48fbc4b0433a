"""A whole sweep over a server that is a formula: what is tried, what is concluded."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, make_url

from loadtests.lab import sweep as module
from loadtests.lab.bench import ALONE, Bench
from loadtests.lab.budgets import Budgets
from loadtests.lab.commands import sweep as command
from loadtests.lab.journal import Journal
from loadtests.lab.keeping import Keeper
from loadtests.lab.measure import start_result
from loadtests.lab.progress import Progress
from loadtests.lab.result import Cause, Diagnosis, ExitCode, Gate, Machine, Outcome, Postgres
from loadtests.lab.running import Running
from loadtests.lab.schedule import fit
from loadtests.lab.sweep import Found, Sweep
from loadtests.lab.window import Config, DatabaseLoad, Lane, Window
from tests.loadtests.lab.windows import a_window, a_worker, an_open_window

MACHINE = Machine(cores=4, cpu="a processor", memory=2**33, system="Linux", python="3.11.7")
POSTGRES = Postgres(version="18.4", max_connections=100, reserved=3)
BUDGETS = Budgets(everywhere={"p95_ms": 100})
HOLD = 0.02


def limit(config: Config) -> float:
    """Requests a second: of the workers' cores (5 ms each), or of the connections."""
    return min(config.workers * 200, config.workers * config.pool / HOLD, 700)


class Formula(Bench):
    """Answers what a server would, without one."""

    def __init__(self, journal: Journal, *, minutes: float = 20, timeouts: int = 0) -> None:
        self.journal = journal
        self.schedule = replace(fit(minutes), soak=20)
        self.progress = Progress(1, stream=io.StringIO())
        self.timeouts = timeouts
        self.voids: list[str] = []
        self.lasting_voids: list[str] = []
        self.tried: list[str] = []

    def saturate(self, name: str, config: Config, *, users: int) -> Window:
        self.tried.append(name)
        rate = limit(config) if config != ALONE else 25
        return self._window(name, config, rate, users=users)

    def side_by_side(self, name: str, base: Config, changed: Config, *, users: int) -> list[Window]:
        self.tried.append(name)
        order = [base, changed, changed, base] * (self.schedule.pairs // 2)
        return [self._window(name, config, limit(config), users=users) for config in order]

    def climb(self, config: Config, rates: Sequence[float], *, attempt: int = 1) -> list[Window]:
        self.tried.append(f"ladder {config.label}")
        voids = self.voids if attempt == 1 else self.lasting_voids
        slow, fast = 0.5, 0.01
        return [
            an_open_window(
                rate,
                name="ladder",
                config=config,
                voids=voids,
                routes=a_window(
                    requests=max(1, round(20 * rate)),
                    latency=slow if 2 * rate > 0.9 * limit(config) else fast,
                ).routes,
            )
            for rate in rates
        ]

    def burst(self, config: Config) -> dict[str, Any]:  # noqa: ARG002 - any is the same
        return {"pool_timeouts": self.timeouts}

    def soak(self, config: Config, rate: float) -> list[Window]:
        return self.climb(config, [rate, rate])

    def _window(self, name: str, config: Config, rate: float, *, users: int) -> Window:
        requests = round(10 * rate)
        each = a_worker(
            requests=requests // config.workers,
            cpu=min(1.0, 0.005 * rate / config.workers),
            memory=2**27,
            lanes={"database": Lane(size=config.pool, busy=HOLD * rate / config.workers)},
        )
        return a_window(
            name=name,
            config=config,
            requests=requests,
            latency=10 * users / requests,
            workers=[each] * config.workers,
            users=users,
            database=DatabaseLoad(cpu=0.001 * rate),
        )


def named(window: Window, _machine: Machine) -> Diagnosis:
    is_pool = window.config.pool / HOLD < 200
    cause, knob = (Cause.POOL, "pool") if is_pool else (Cause.CPU, "workers")
    return Diagnosis(cause=cause, summary=f"The {cause} limits.", knob=knob)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.begin(tmp_path, "x-sweep", started=1.0, minutes=20)


def swept(bench: Formula) -> Found:
    return Sweep(bench, Keeper(BUDGETS, MACHINE, POSTGRES), MACHINE, POSTGRES).run()


@pytest.fixture(autouse=True)
def diagnosed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "diagnose", named)


def test_a_sweep_finds_the_knee(journal: Journal) -> None:
    bench = Formula(journal)
    found = swept(bench)
    assert bench.tried[1].startswith("saturate 1x")
    chosen = found.recommendation
    assert chosen is not None
    best = max(found.capacities, key=lambda capacity: capacity.rate)
    assert best.rate == pytest.approx(0.9 * limit(best.config), rel=0.06)
    assert chosen.capacity.rate >= best.rate * 0.95
    assert best.limited_by == "p95_ms"
    assert found.diagnoses[0].counterfactuals[0].low <= found.diagnoses[0].counterfactuals[0].ratio
    assert any("memory went from" in note for note in found.notes)


def test_a_burst_that_locks_up_disqualifies(journal: Journal) -> None:
    found = swept(Formula(journal, timeouts=4))
    assert found.recommendation is None
    assert found.capacities
    assert command.conclude(start_result("sweep"), found)[0] is ExitCode.LOCK_UP


def test_void_rungs_are_no_capacity(journal: Journal) -> None:
    bench = Formula(journal)
    bench.voids = bench.lasting_voids = ["The generator took 99% of a core."]
    found = swept(bench)
    assert (found.capacities, found.recommendation) == ([], None)
    result = start_result("sweep")
    result.windows = bench.climb(Config(), [1.0])
    code, summary = command.conclude(result, found)
    assert code is ExitCode.VOID
    assert summary.endswith("took 99% of a core.")


def test_what_was_void_is_offered_once_more(journal: Journal) -> None:
    """A neighbour on the same host made the first attempt void; it went away again."""
    bench = Formula(journal)
    bench.voids = ["The machine's host gave 20% of its time to others."]
    found = swept(bench)
    undisturbed = swept(Formula(journal))
    assert [c.rate for c in found.capacities] == [c.rate for c in undisturbed.capacities]
    assert found.capacities


def test_what_it_comes_down_to(journal: Journal) -> None:
    found, result = swept(Formula(journal)), start_result("sweep")
    assert command.conclude(result, found)[0] is ExitCode.PASS
    missed = Gate(scope="global", metric="p95_ms", allowed=1, outcome=Outcome.FAIL)
    result.gates = [missed]
    assert command.conclude(result, found)[0] is ExitCode.BUDGET


class Started:
    """Stands for `serving`, and notes what is started and stopped."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @contextmanager
    def __call__(self, config: Config, _url: URL) -> Iterator[Any]:
        self.log.append(f"+{config.label}")
        try:
            yield config.label
        finally:
            self.log.append(f"-{config.label}")


def test_servers_stay_warm_until_others_are_needed() -> None:
    start, one, two = Started(), Config(pool=1), Config(pool=2)
    with Running(make_url("postgresql://"), start=start) as running:
        running.only(one)
        assert list(map(str, running.only(one, two))) == ["1x1", "1x2"]
        running.only(two)
        assert start.log == ["+1x1", "+1x2", "-1x1"]
    assert start.log[-1] == "-1x2"

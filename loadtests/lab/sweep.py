"""Finds the capacity and the settings for it: the laws first, then a few real comparisons.

1. One worker and one user show what a request demands; arithmetic discards most of the grid.
2. Each configuration that is left bears the closed model until it gives no more.
3. The best one is diagnosed, and the knob that the diagnosis names is turned alone, on two servers
   side by side. What that brings proves the diagnosis, or does not.
4. The finalists climb a ladder of the open model, and meet a burst.
5. The smallest of the best is recommended, and soaks at the rate that is planned with.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from loadtests.lab import bounds, knobs, ladder
from loadtests.lab.bench import Bench
from loadtests.lab.bounds import Cores, Demands
from loadtests.lab.diagnosis import diagnose
from loadtests.lab.keeping import Keeper
from loadtests.lab.pairs import compare, noise_of
from loadtests.lab.recommendation import HEADROOM, connections_of, recommend
from loadtests.lab.result import (
    Capacity,
    Counterfactual,
    Diagnosis,
    Machine,
    Postgres,
    Recommendation,
)
from loadtests.lab.window import Config, Window

EPSILON = 0.03
"""What counts as the same, until pairs have shown how noisy the machine is."""

NEAR = 0.85
"""Of the best rate, down to which a smaller configuration is a finalist."""

MOST_USERS = 200


@dataclass
class Found:
    """What a sweep concludes."""

    diagnoses: list[Diagnosis] = field(default_factory=list)
    capacities: list[Capacity] = field(default_factory=list)
    locked_up: list[Config] = field(default_factory=list)
    pool_timeouts: dict[Config, int] = field(default_factory=dict)
    """Of the burst on each configuration."""

    recommendation: Recommendation | None = None
    soak: list[Window] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Sweep:
    """One sweep; `run` does all of it, or what a journal says is missing."""

    def __init__(self, bench: Bench, keeper: Keeper, machine: Machine, postgres: Postgres) -> None:
        self._bench = bench
        self._keeper = keeper
        self._machine = machine
        self._postgres = postgres
        self._cores = Cores(machine.cores)
        self._epsilon = EPSILON
        self._seen: dict[Config, Window] = {}
        """Of each configuration the last window at saturation."""

        self._memory: dict[Config, int] = {}
        self._found = Found()

    def run(self) -> Found:
        """Measure, and conclude."""
        demands = bounds.demands_of(self._bench.alone())
        self._note(*bounds.explain(demands, self._cores))
        best = self._coarse(demands)
        best = self._refine(best, self._users(demands, best))
        for config in self._finalists(best):
            self._find_capacity(config)
        self._found.recommendation = self._recommend()
        self._soak()
        return self._found

    def _coarse(self, demands: Demands) -> Config:
        tried = bounds.candidates(demands, self._cores)[: self._bench.schedule.configs]
        self._note(f"Worth a run by these laws: {', '.join(config.label for config in tried)}.")
        for config in tried:
            users = self._users(demands, config)
            self._see(self._bench.saturate(f"saturate {config.label}", config, users=users))
            self._note(f"{config.label} gave {self._seen[config].rate:.0f} requests/s.")
        return max(tried, key=self._worth)

    def _worth(self, config: Config) -> tuple[bool, float]:
        """Order configurations by their rates; a void window counts less than any other."""
        window = self._seen[config]
        return not window.voids, window.rate

    def _users(self, demands: Demands, config: Config) -> int:
        rate = bounds.highest_rate(demands, config.workers, self._cores)
        return min(MOST_USERS, bounds.fitting_users(demands, rate))

    def _refine(self, config: Config, users: int) -> Config:
        """Turn the knob that is named as long as it helps; then find out how little is enough."""
        turns = iter(range(self._bench.schedule.rounds))
        config = self._grow(config, users, turns)
        for _ in turns:
            smaller = knobs.halved_pool(config)
            if smaller is None or not self._is_enough(config, smaller, users):
                break
            config = smaller
        return config

    def _grow(self, config: Config, users: int, turns: Iterator[int]) -> Config:
        self._found.diagnoses.append(diagnosis := diagnose(self._seen[config], self._machine))
        self._note(f"{config.label}: {diagnosis.summary}")
        for _ in turns:
            knob = diagnosis.knob or knobs.POOL
            changed = knobs.doubled(config, knob, self._seen[config])
            if changed is None:
                break
            tried = self._turn(config, changed, knob, users)
            if tried is None or tried.low <= 1 + self._epsilon:
                break
            config = changed
            self._found.diagnoses.append(diagnosis := diagnose(self._seen[config], self._machine))
            self._note(f"{config.label}: {diagnosis.summary}")
        return config

    def _is_enough(self, config: Config, smaller: Config, users: int) -> bool:
        tried = self._turn(config, smaller, knobs.POOL, users)
        return tried is not None and tried.ratio >= 1 - self._epsilon

    def _turn(
        self, config: Config, changed: Config, knob: str, users: int
    ) -> Counterfactual | None:
        """Compare both, and keep what came of it as a proof of the diagnosis, or against it."""
        name = f"{config.label} beside {changed.label}"
        windows = self._bench.side_by_side(name, config, changed, users=users)
        for window in windows:
            self._see(window)
        interval = compare(windows, config, changed)
        if interval is None:
            self._note(f"{name}: too many windows are void to compare them.")
            return None
        self._epsilon = max(self._epsilon, noise_of(windows))
        turned = Counterfactual(
            knob=knob,
            changed=changed,
            ratio=interval.ratio,
            low=interval.low,
            high=interval.high,
        )
        self._found.diagnoses[-1].counterfactuals.append(turned)
        self._note(
            f"{knob} turned, {changed.label} against {config.label}: {turned.ratio:.2f} times the "
            f"rate ({turned.low:.2f} to {turned.high:.2f}; noise {self._epsilon:.0%})."
        )
        return turned

    def _finalists(self, best: Config) -> list[Config]:
        """The best, then smaller ones that come near, then whatever gave most."""
        top = self._seen[best].rate
        near = [c for c in self._seen if c != best and self._seen[c].rate >= NEAR * top]
        near.sort(key=lambda config: connections_of(config, async_pool=0))
        rest = [config for config in self._seen if config != best and config not in near]
        rest.sort(key=self._worth, reverse=True)
        return [best, *near, *rest][: self._bench.schedule.ladders]

    def _find_capacity(self, config: Config) -> None:
        """Climb, then bisect between the highest rate that holds and the lowest that does not."""
        window, schedule = self._seen[config], self._bench.schedule
        top = window.journeys / window.seconds
        if not top:
            return
        rates = [share * top for share in ladder.shares(schedule.rungs)]
        rungs = self._climb(config, rates)
        for _ in range(schedule.bisections):
            rate = ladder.next_rate(rungs)
            if rate is None:
                break
            rungs += self._climb(config, [rate])
        capacity = ladder.capacity_of(config, rungs)
        if capacity is None:
            self._note(f"{config.label}: no capacity, the measurement was void at every rate.")
        else:
            self._note(f"{config.label} carries {capacity.rate:.0f} requests/s within budget.")
            self._found.capacities.append(capacity)
        self._meet_burst(config)

    def _climb(self, config: Config, rates: Sequence[float]) -> list[ladder.Rung]:
        """Offer these rates; those that somebody else on the machine made void, once more."""
        rungs = self._judge(self._bench.climb(config, rates))
        void = [rung.journeys for rung in rungs if rung.is_void]
        if not void:
            return rungs
        again = self._judge(self._bench.climb(config, void, attempt=2))
        return [*(rung for rung in rungs if not rung.is_void), *again]

    def _judge(self, windows: Sequence[Window]) -> list[ladder.Rung]:
        for window in windows:
            self._remember_memory(window)
        return [ladder.judge(window, self._keeper.broken(window)) for window in windows]

    def _meet_burst(self, config: Config) -> None:
        outcome = self._bench.burst(config)
        self._found.pool_timeouts[config] = outcome["pool_timeouts"]
        if outcome["pool_timeouts"]:
            self._found.locked_up.append(config)
            self._note(
                f"{config.label} is out: of a burst {outcome['pool_timeouts']} requests waited for "
                "a connection until they gave up."
            )

    def _recommend(self) -> Recommendation | None:
        return recommend(
            [c for c in self._found.capacities if c.config not in self._found.locked_up],
            machine=self._machine,
            postgres=self._postgres,
            epsilon=self._epsilon,
            memory=self._memory,
        )

    def _soak(self) -> None:
        recommendation = self._found.recommendation
        if recommendation is None or not self._bench.schedule.soak:
            return
        rate = HEADROOM * recommendation.capacity.journeys
        self._found.soak = self._bench.soak(recommendation.config, rate)
        for window in self._found.soak:
            self._remember_memory(window)
        self._note(*_of_soak(self._found.soak))

    def _see(self, window: Window) -> None:
        known = self._seen.get(window.config)
        if known is None or known.voids or not window.voids:
            self._seen[window.config] = window
        self._remember_memory(window)

    def _remember_memory(self, window: Window) -> None:
        taken = sum(worker.memory for worker in window.workers)
        self._memory[window.config] = max(taken, self._memory.get(window.config, 0))

    def _note(self, *sentences: str) -> None:
        self._found.notes += sentences
        for sentence in sentences:
            self._bench.progress.keep(sentence)


def _of_soak(windows: Sequence[Window]) -> Iterator[str]:
    """Say what grew while the rate stayed the same."""
    first, last = windows[0], windows[-1]
    before, after = (sum(worker.memory for worker in window.workers) for window in (first, last))
    minutes = sum(window.seconds for window in windows) / 60
    yield (
        f"In {minutes:.1f} minutes at {windows[0].offered:.3g} journeys/s the workers' memory went "
        f"from {before / 2**20:.0f} to {after / 2**20:.0f} MiB, connections from "
        f"{first.database.most_connections} to {last.database.most_connections}, and "
        f"{max(window.error_rate for window in windows):.2%} of the requests failed at worst."
    )

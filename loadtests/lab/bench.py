"""The measurements that a sweep is made of. Each is a step of the journal, done once."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from loadtests.lab.burst import burst
from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.journal import Journal
from loadtests.lab.measure import Laboratory
from loadtests.lab.pairs import interleaved
from loadtests.lab.progress import Progress
from loadtests.lab.running import Running
from loadtests.lab.schedule import Schedule
from loadtests.lab.server import Server
from loadtests.lab.window import Config, Window

ALONE = Config(workers=1, pool=4)
WARM_UP = 2.0
SOAK_WINDOW = 30.0

Planning = Callable[[list[Server]], Plan]


class Bench:
    """Measures one thing at a time, on servers that stay up until others are needed."""

    def __init__(
        self,
        *,
        running: Running,
        laboratory: Laboratory,
        journal: Journal,
        schedule: Schedule,
        progress: Progress,
    ) -> None:
        self.schedule = schedule
        self.progress = progress
        self.journal = journal
        self._running = running
        self._laboratory = laboratory

    def alone(self) -> Window:
        """One worker, one user: what a request demands while nobody waits."""
        return self.saturate("alone", ALONE, users=1)

    def saturate(self, name: str, config: Config, *, users: int) -> Window:
        """The closed model; measured once more if the window is void."""

        def plan(servers: list[Server]) -> Plan:
            host, seconds = servers[0].host, self.schedule.window
            warming = Segment(
                f"{name} warm-up", host, "closed", WARM_UP, users=users, is_measured=False
            )
            return Plan(segments=(warming, Segment(name, host, "closed", seconds, users=users)))

        (window,) = self._step(name, (config,), plan)
        if not window.voids:
            return window
        (again,) = self._step(f"{name}, again", (config,), plan)
        return again if not again.voids else window

    def side_by_side(self, name: str, base: Config, changed: Config, *, users: int) -> list[Window]:
        """Pairs of windows on two warm servers."""

        def plan(servers: list[Server]) -> Plan:
            return interleaved(
                name,
                (servers[0].host, servers[1].host),
                pairs=self.schedule.pairs,
                seconds=self.schedule.window,
                users=users,
                warm_up=WARM_UP,
            )

        return self._step(name, (base, changed), plan)

    def climb(self, config: Config, rates: Sequence[float], *, attempt: int = 1) -> list[Window]:
        """The open model at each of these rates, journeys a second, one after the other."""
        name = f"ladder {config.label}" + (f", attempt {attempt}" if attempt > 1 else "")

        def plan(servers: list[Server]) -> Plan:
            host, seconds = servers[0].host, self.schedule.window
            warming = Segment(
                f"{name} warm-up", host, "open", WARM_UP, rate=min(rates), is_measured=False
            )
            rungs = (
                Segment(f"{name}, {rate:.4g}/s", host, "open", seconds, rate=rate) for rate in rates
            )
            return Plan(segments=(warming, *rungs))

        return self._step(f"{name} {', '.join(f'{rate:.4g}' for rate in rates)}", (config,), plan)

    def burst(self, config: Config) -> dict[str, Any]:
        """More requests at one moment than one worker has threads and connections, three times."""
        one = config.model_copy(update={"workers": 1})

        def measure() -> dict[str, Any]:
            self.progress.say(f"burst {one.label}")
            (server,) = self._running.only(one)
            return asdict(burst(server, at_once=2 * config.pool + 1))

        return self.journal.burst(f"burst {one.label}", measure)

    def soak(self, config: Config, rate: float) -> list[Window]:
        """The operating rate for a while: does memory grow, do connections pile up?"""
        parts = max(2, round(self.schedule.soak / SOAK_WINDOW))
        name = f"soak {config.label}"

        def plan(servers: list[Server]) -> Plan:
            host, seconds = servers[0].host, self.schedule.soak / parts
            return Plan(
                segments=tuple(
                    Segment(f"{name} {part + 1}", host, "open", seconds, rate=rate)
                    for part in range(parts)
                )
            )

        return self._step(f"{name} {rate:.4g}", (config,), plan)

    def _step(self, name: str, configs: tuple[Config, ...], plan: Planning) -> list[Window]:
        def measure() -> list[Window]:
            self.progress.say(f"{name}: starting {' and '.join(c.label for c in configs)}")
            servers = self._running.only(*configs)
            return self._laboratory.measure(servers, plan(servers))

        return self.journal.windows(name, measure)

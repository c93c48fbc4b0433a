"""What can happen, and what customers notice of it."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.deploy.two_hosts.customers import CUT_OFF, Event, Ledger
from tests.deploy.two_hosts.stage import Stage
from tests.processes import until

CALM = 2.0
"""Seconds of shopping before something happens, and without a failure afterwards."""

OUTAGE = 5.0


@dataclass
class Blow:
    """One thing that happened: when it was done, when it was over, and all requests meanwhile."""

    name: str
    done: float
    over: float
    events: list[Event] = field(default_factory=list)

    @property
    def failures(self) -> list[Event]:
        return [event for event in self.events if event.has_failed]

    @property
    def begun_later(self) -> list[Event]:
        """Failures of requests that began when it was done: nobody was in the middle of them."""
        return [event for event in self.failures if event.began > self.done]

    @property
    def healed_after(self) -> float:
        """Seconds from its end until the last failure was heard of; none is 0."""
        return max([0.0, *(event.ended - self.over for event in self.failures)])

    @property
    def statuses(self) -> Counter[int]:
        return Counter(event.status for event in self.failures)

    @property
    def slowest(self) -> float:
        return max(event.ended - event.began for event in self.events)

    def row(self) -> str:
        """Return a row of a table in Markdown."""
        named = {CUT_OFF: "cut off"}
        failed = ", ".join(f"{n} x {named.get(s, s)}" for s, n in sorted(self.statuses.items()))
        cells = (
            self.name,
            f"{len(self.events):,}",
            failed or "none",
            f"{len(self.begun_later)}",
            f"{self.slowest:.2f} s",
            f"{self.healed_after:.2f} s" if self.failures else "-",
        )
        return f"| {' | '.join(cells)} |"


HEAD = (
    "| what happens | requests | failed | of these begun afterwards | slowest | healed after |\n"
    "| --- | --- | --- | --- | --- | --- |"
)


@contextmanager
def observed(name: str, ledger: Ledger) -> Iterator[Blow]:
    """Let customers shop, do what the block does, and wait until none of them fails any more.

    `done` is moved by blocks that last: it is when the last piece was taken away.
    """
    _shop(CALM)
    began = time.monotonic()
    blow = Blow(name, began, began)
    yield blow
    blow.over = time.monotonic()
    until(lambda: time.monotonic() - _last_failure(ledger, blow.over) > CALM, f"{name}: calm")
    blow.events = [event for event in list(ledger.events) if event.ended > began]


def _last_failure(ledger: Ledger, since: float) -> float:
    """When somebody failed last; a request that is still under way has not."""
    return max([since, *(e.ended for e in ledger.events[-2_000:] if e.has_failed)])


def _shop(seconds: float) -> None:
    """The customers are threads of their own: this is for how long they are left alone."""
    time.sleep(seconds)


def end_in_order(stage: Stage, ledger: Ledger) -> Iterator[Blow]:
    """A deployment: one host after the other is ended and started again."""
    for machine in stage.network.machines:
        with observed(f"SIGTERM to host {machine.name[-1]}, started again", ledger) as blow:
            machine.end()
            stage.serve(machine)
        yield blow


def kill(stage: Stage, ledger: Ledger) -> Iterator[Blow]:
    """All processes of a host die at once; it comes back later."""
    machine = stage.network.machines[0]
    with observed("kill -9 of a host", ledger) as blow:
        machine.kill()
        blow.done = time.monotonic()
    yield blow
    stage.serve(machine)


def unplug(stage: Stage, ledger: Ledger) -> Iterator[Blow]:
    """A host is alive and cannot be reached: nobody refuses, nobody answers."""
    machine = stage.network.machines[0]
    with observed(f"cable of a host pulled for {OUTAGE:g} s", ledger) as blow:
        machine.unplug()
        blow.done = time.monotonic()
        _shop(OUTAGE)
        machine.plug()
    yield blow


def restart_primary(stage: Stage, ledger: Ledger) -> Iterator[Blow]:
    """PostgreSQL is stopped in order, and back after a while."""
    yield _without_primary(stage, ledger, "stopped (fast)", signal.SIGINT)


def crash_primary(stage: Stage, ledger: Ledger) -> Iterator[Blow]:
    """PostgreSQL dies, and has to recover."""
    yield _without_primary(stage, ledger, "killed (immediate)", signal.SIGQUIT)


def _without_primary(stage: Stage, ledger: Ledger, name: str, number: signal.Signals) -> Blow:
    with observed(f"primary {name} for {OUTAGE:g} s", ledger) as blow:
        stage.end_primary(number)
        blow.done = time.monotonic()
        _shop(OUTAGE)
        stage.pair.primary.start()
    return blow


def lose_replica(stage: Stage, ledger: Ledger) -> Iterator[Blow]:
    """The replica is gone, or hangs."""
    with observed(f"replica stopped for {OUTAGE:g} s", ledger) as blow:
        stage.pair.standby.stop()
        blow.done = time.monotonic()
        _shop(OUTAGE)
        stage.pair.standby.start()
    yield blow
    with observed(f"replica frozen for {OUTAGE:g} s", ledger) as blow, stage.pair.frozen():
        blow.done = time.monotonic()
        _shop(OUTAGE)
    yield blow


BLOWS: tuple[Callable[[Stage, Ledger], Iterator[Blow]], ...] = (
    end_in_order,
    kill,
    unplug,
    restart_primary,
    crash_primary,
    lose_replica,
)

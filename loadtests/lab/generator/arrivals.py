"""One process's part of a segment: who arrives when, and what becomes of them.

Open: every stream draws the due moments of its arrivals from the seed, before anybody answers,
and whoever is due leaves, in a greenlet of its own. The first request of a journey is timed from
its due moment: a visitor who could not leave in time has waited, too. Closed: so many users walk
one journey after the other.
"""

import random
import time
from collections.abc import Callable, Iterator
from itertools import count

import gevent
from gevent.pool import Group

from loadtests.account import Account
from loadtests.lab.generator.mix import Entry, deal
from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.generator.schedule import due_moments
from loadtests.lab.generator.tally import Share
from loadtests.lab.generator.wire import Connections
from loadtests.scenario import UnexpectedStatus, Visitor
from loadtests.visitor import UNMEASURED, Answer, Request

SPREAD = 0.5
"""Seconds, or less, over which the users of the closed model begin."""

OVER = "no answer by the end of the segment"


class Part:
    """Which process this is, and of how many."""

    def __init__(self, index: int = 0, processes: int = 1) -> None:
        self.index = index
        self.processes = processes

    def mine(self, number: int) -> range:
        """Return which of so many streams, users or places belong to this process."""
        return range(self.index, number, self.processes)


class Load:
    """Walks through one segment, and counts."""

    def __init__(
        self, plan: Plan, place: int, part: Part, mix: tuple[Entry, ...], accounts: list[Account]
    ) -> None:
        self._segment: Segment = plan.segments[place]
        self._part, self._accounts, self._next = part, accounts, count()
        own = self._segment.seed
        self._seed = f"{plan.seed}/{place if own is None else f'seed {own}'}"
        self._streams, self._drain = plan.streams, plan.drain
        self._cap = len(part.mine(plan.most_in_flight))
        self._journeys = deal(mix, f"{self._seed}/journeys/{part.index}")
        dice = random.Random(f"{self._seed}/connections/{part.index}")
        self._connections = Connections(self._segment.host, dice)
        self._in_flight = Group()
        self.share = Share(segment=place)

    def run(self) -> Share:
        """Bear the load, wait for what is in flight, and return what was counted."""
        self.began, cpu = time.perf_counter(), time.process_time()
        sources = [gevent.spawn(*source) for source in self._sources()]
        gevent.joinall(sources, raise_error=True)
        gevent.sleep(max(0.0, self._segment.seconds - self.now))
        self.share.cpu = (time.process_time() - cpu) / self.now
        if not self._in_flight.join(self._drain):
            self._in_flight.kill()
        self._connections.close()
        self.share.elapsed = self.now
        return self.share

    @property
    def now(self) -> float:
        """Seconds since the segment began."""
        return time.perf_counter() - self.began

    def _sources(self) -> Iterator[tuple[Callable[[int], None], int]]:
        if self._segment.model == "open":
            yield from ((self._stream, number) for number in self._part.mine(self._streams))
        else:
            for number in self._part.mine(self._segment.users):
                self._in_flight.spawn(self._use, number)

    def _stream(self, number: int) -> None:
        for due in due_moments(self._segment, self._streams, f"{self._seed}/{number}"):
            while (early := due - self.now) > 0:
                gevent.sleep(early)
            self._arrive(due)

    def _arrive(self, due: float) -> None:
        self.share.tick(due).offered += 1
        if len(self._in_flight) >= self._cap:
            self.share.dropped += 1
            return
        self._in_flight.spawn(self._walk, next(self._journeys), due)

    def _use(self, number: int) -> None:
        segment = self._segment
        due = min(SPREAD, segment.seconds / 20) * number / segment.users
        while due < segment.seconds:
            gevent.sleep(max(0.0, due - self.now))
            due = self.now
            self.share.tick(due).offered += 1
            self._walk(next(self._journeys), due)
            due = max(self.now, due + segment.pace)

    def _walk(self, entry: Entry, due: float) -> None:
        """Make one journey, from the moment at which it was due."""
        self.share.lateness.add(max(0.0, self.now - due))
        self.share.tick(due).started += 1
        carrier = Carrier(self, self._connections, due)
        visitor = Visitor(carrier, self._accounts[next(self._next) % len(self._accounts)])
        is_done = False
        try:
            entry.journey.run(entry.scenario(), visitor)
            is_done = True
        except UnexpectedStatus:
            pass  # which was counted where it happened
        except Exception as error:  # noqa: BLE001 - a scenario's own mistake must be seen
            complaint = f"{type(error).__name__}: {error}"
            name = f"(journey) {entry.name}"
            self.share.answer(name, self.now - due, self.now, complaint)
        finally:
            tick = self.share.tick(self.now)
            tick.done += is_done
            tick.failed += not is_done


class Carrier:
    """Carries the requests of one visitor, and counts what became of them."""

    def __init__(self, load: Load, connections: Connections, due: float) -> None:
        self._load = load
        self._connections = connections
        self._due: float | None = due

    def send(self, request: Request) -> Answer:
        """Send it; the first of a journey has waited since it was due."""
        began = self._load.now if self._due is None else self._due
        self._due = None
        complaint: str | None = OVER
        try:
            answer = self._connections.send(request)
            complaint = answer.complaint(request)
        finally:
            self._count(request, began, complaint)
        return answer

    def _count(self, request: Request, began: float, complaint: str | None) -> None:
        load, share, ended = self._load, self._load.share, self._load.now
        share.answer(route_of(request), ended - began, ended, complaint)
        if complaint is None:
            share.answered += 1
            share.answered_in_time += ended <= load._segment.seconds  # noqa: SLF001


def route_of(request: Request) -> str:
    """Return what a request is counted as: `GET /api/v1/items/{item_id}`."""
    if request.name.startswith(UNMEASURED):
        return f"{UNMEASURED}{request.method} {request.name.removeprefix(UNMEASURED)}"
    return f"{request.method} {request.name}"


def open_accounts(plan: Plan, host: str, part: Part) -> list[Account]:
    """Open this process's accounts on a server, untimed. Raises UnexpectedStatus."""
    connections = Connections(host, random.Random(0))
    accounts = [Account() for _ in part.mine(plan.accounts)] or [Account()]
    opening = [gevent.spawn(_open, account, connections) for account in accounts]
    gevent.joinall(opening, raise_error=True)
    connections.close()
    return accounts


def _open(account: Account, connections: Connections) -> None:
    account.headers(Visitor(connections))

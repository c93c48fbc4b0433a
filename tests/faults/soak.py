"""A shop that is busy for long: does it need more and more of anything?

    python -m tests.faults.soak --minutes 30

Two workers on a PostgreSQL of their own, customers who order and look. Memory, descriptors and
connections are read every few seconds; the last quarter is compared with the second, since the
first one still fills caches. Ends with 1 if something has grown, or a request failed.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.faults.accounts import assert_nothing_lost
from tests.faults.customers import Ledger, opened, shopping
from tests.faults.stage import Stage, staged
from tests.processes import Server, until
from tests.project.management.workers import workers_of

ROUND = 240.0
"""Seconds after which customers sign in anew: their tokens end after ten minutes."""

QUARTERS = 4
MEGABYTE = 1024 * 1024


class Reading(NamedTuple):
    """What both workers hold: bytes of memory, descriptors, and connections to PostgreSQL."""

    memory: float
    descriptors: float
    connections: float


ALLOWED = Reading(memory=20 * MEGABYTE, descriptors=4, connections=2)
"""How much more there may be in the last quarter; descriptors come and go with clients."""


@dataclass
class Soak:
    """What was read, and what customers were told."""

    readings: list[Reading] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def quarter(self, number: int) -> Reading:
        """Return the medians of one of the four quarters, from 0 on."""
        size = max(len(self.readings) // QUARTERS, 1)
        part = self.readings[number * size :][:size]
        return Reading(*(median(values) for values in zip(*part, strict=True)))

    def growth(self) -> Reading:
        first, last = self.quarter(1), self.quarter(QUARTERS - 1)
        return Reading(*(b - a for a, b in zip(first, last, strict=True)))

    @property
    def has_grown(self) -> bool:
        return any(more > most for more, most in zip(self.growth(), ALLOWED, strict=True))

    @property
    def has_failed(self) -> bool:
        return not set(self.statuses) <= {200, 201}

    def add(self, ledger: Ledger) -> None:
        for status, count in ledger.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count


def soak(stage: Stage, *, seconds: float, interval: float) -> Soak:
    """Keep two workers busy for so long, and read what they hold every `interval` seconds."""
    found = Soak()
    with stage.serving("--workers", "2") as server:
        until(lambda: len(workers_of(server)) == 2, "the second worker")
        end = stage.now() + seconds
        while stage.now() < end:
            shop = opened(server)
            pause = min(stage.now() + ROUND, end)
            with shopping(server, shop, buyers=2, readers=2) as ledger:
                found.readings += list(_readings(stage, server, interval, pause))
            until(lambda: not stage.backends_at_work(), "the last transactions")
            assert_nothing_lost(stage, shop, ledger)
            found.add(ledger)
    return found


def _readings(stage: Stage, server: Server, interval: float, end: float) -> Iterator[Reading]:
    due = stage.now() + interval
    while stage.now() < end:
        until(lambda moment=due: stage.now() >= moment, "the next reading")  # type: ignore[misc]
        due += interval
        workers = [Path("/proc", pid) for pid in workers_of(server)]
        yield Reading(
            memory=sum(map(_memory_of, workers)),
            descriptors=sum(len(list((worker / "fd").iterdir())) for worker in workers),
            connections=len(stage.backends()),
        )


def _memory_of(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kilobytes) * 1024


def report(found: Soak) -> Iterator[str]:
    """Say what each quarter held, in lines."""
    for number in range(QUARTERS):
        memory, descriptors, connections = found.quarter(number)
        yield (
            f"quarter {number + 1}: {memory / MEGABYTE:7.1f} MB  "
            f"{descriptors:4.0f} descriptors  {connections:3.0f} connections"
        )
    yield f"answers: {found.statuses}"
    yield "something has grown" if found.has_grown else "nothing has grown"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    seconds = 60 * parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder, staged(Path(folder)) as stage:
        found = soak(stage, seconds=seconds, interval=min(5.0, seconds / 20))
    print("\n".join(report(found)))  # noqa: T201 - a command
    return int(found.has_grown or found.has_failed)


if __name__ == "__main__":
    sys.exit(main())

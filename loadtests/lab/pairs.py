"""Two servers, side by side: load goes from one to the other and back (A B B A), in one run.

Machines drift; windows that lie next to each other do not drift apart.
"""

from collections.abc import Sequence
from itertools import pairwise

from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.statistics import Interval, noise_floor, paired_ratio
from loadtests.lab.window import Config, Window

FEWEST = 3
"""Pairs of valid windows without which nothing is concluded."""


def interleaved(
    name: str, hosts: tuple[str, str], *, pairs: int, seconds: float, users: int, warm_up: float
) -> Plan:
    """Make the plan: each pair is a window on both servers, begun by each in turn."""
    warming = tuple(
        Segment(f"{name} warm-up", host, "closed", warm_up, users=users, is_measured=False)
        for host in hosts
    )
    measured = tuple(
        Segment(
            f"{name} {pair + 1} {'AB'[which]}",
            hosts[which],
            "closed",
            seconds,
            users=users,
            seed=pair,
        )
        for pair in range(pairs)
        for which in ((0, 1), (1, 0))[pair % 2]
    )
    return Plan(segments=(*warming, *measured))


def compare(windows: Sequence[Window], base: Config, changed: Config) -> Interval | None:
    """The ratio of rates, changed to base; None if too few pairs are valid."""
    pairs = [sorted_pair for sorted_pair in _pairs(windows, base, changed) if sorted_pair]
    valid = [
        (a.rate, b.rate) for a, b in pairs if not a.voids and not b.voids and a.rate and b.rate
    ]
    if len(valid) < FEWEST:
        return None
    there, here = zip(*valid, strict=True)
    return paired_ratio(there, here)


def noise_of(windows: Sequence[Window]) -> float:
    """The noise floor: in A B B A every second neighbour is the same server once more (A/A)."""
    rates: list[float] = []
    for one, other in pairwise(windows):
        if one.config == other.config and not one.voids and not other.voids:
            rates += [one.rate, other.rate]
    return noise_floor([rate for rate in rates if rate > 0])


def _pairs(
    windows: Sequence[Window], base: Config, changed: Config
) -> list[tuple[Window, Window] | None]:
    found: list[tuple[Window, Window] | None] = []
    for one, other in zip(windows[::2], windows[1::2], strict=False):
        by_config = {one.config: one, other.config: other}
        if base in by_config and changed in by_config:
            found.append((by_config[base], by_config[changed]))
    return found

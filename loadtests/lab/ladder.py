"""The capacity: the highest rate at which every budget is met, nothing is dropped, no queue grows.

Rates are offered in the open model, which does not wait for a slow server. Pure functions, from
windows to rungs, from rungs to the next rate and to the capacity.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.lab.result import Capacity
from loadtests.lab.window import Config, Window

SHARES = {
    4: (0.5, 0.7, 0.85, 1.0),
    5: (0.4, 0.6, 0.8, 0.95, 1.1),
    6: (0.4, 0.6, 0.75, 0.9, 1.0, 1.1),
}
"""Of the rate at saturation, by the number of rungs."""

CLOSE_ENOUGH = 1.05
"""Between the highest rate that holds and the lowest that does not."""

STEP_UP, STEP_DOWN = 1.2, 0.5
QUEUE_GROWTH, QUEUE_SLACK = 1.5, 4.0
"""From the first third of a window to its last; and journeys that come and go by chance."""


@dataclass(frozen=True)
class Rung:
    """What became of one offered rate."""

    journeys: float
    """Offered, a second."""

    rate: float
    """Requests that were answered, a second."""

    broken: tuple[str, ...]
    """What did not hold, the first budget first; empty if all did."""

    is_void: bool = False

    @property
    def holds(self) -> bool:
        """Whether the server carries this."""
        return not self.broken and not self.is_void


def judge(window: Window, broken: Sequence[str]) -> Rung:
    """Judge a window of the open model, of which `broken` names the budgets that are not met."""
    complaints = list(broken)
    if window.generator.dropped:
        complaints.append(f"{window.generator.dropped} arrivals dropped")
    if grows(window):
        complaints.append("a queue that grows")
    return Rung(
        journeys=window.offered or 0.0,
        rate=window.rate,
        broken=tuple(complaints),
        is_void=bool(window.voids),
    )


def grows(window: Window) -> bool:
    """Whether more and more journeys were in flight while the load lasted."""
    flights = [second.in_flight for second in window.timeline if second.offered]
    third = len(flights) // 3
    if not third:
        return False
    first, last = sum(flights[:third]) / third, sum(flights[-third:]) / third
    return last > QUEUE_GROWTH * first + QUEUE_SLACK


def shares(rungs: int) -> tuple[float, ...]:
    """The rungs of a first climb, as shares of the rate at saturation."""
    return SHARES[rungs]


def next_rate(rungs: Sequence[Rung]) -> float | None:
    """The journeys a second to offer next; None if the capacity is known well enough.

    A rate at which the measurement itself is void bounds the search as one that fails does.
    """
    best, bound = _bracket(rungs)
    if best is None:
        return bound.journeys * STEP_DOWN if bound else None
    if bound is None:
        return best.journeys * STEP_UP
    is_close = bound.journeys <= best.journeys * CLOSE_ENOUGH
    return None if is_close else (best.journeys + bound.journeys) / 2


def capacity_of(config: Config, rungs: Sequence[Rung]) -> Capacity | None:
    """Conclude; None if no rate held and none failed: the measurement was void at all of them."""
    best, bound = _bracket(rungs)
    limit = _limit(bound) if bound else ""
    if best is not None:
        # A rung that fails may have ended early; what was asked of it is the bound.
        each = best.rate / best.journeys if best.journeys else 0.0
        high = max(best.rate, bound.journeys * each) if bound else best.rate
        return Capacity(
            config=config,
            rate=best.rate,
            low=best.rate,
            high=high,
            journeys=best.journeys,
            limited_by=limit,
        )
    if bound is None or bound.is_void:
        return None
    return Capacity(config=config, rate=0, low=0, high=bound.rate, journeys=0, limited_by=limit)


def _bracket(rungs: Sequence[Rung]) -> tuple[Rung | None, Rung | None]:
    """The highest rung that holds below the lowest that fails, and what comes next above it.

    A void rung below one that holds says nothing; above, nobody knows.
    """
    climbed = sorted(rungs, key=lambda rung: rung.journeys)
    fails = (index for index, rung in enumerate(climbed) if not rung.holds and not rung.is_void)
    first = next(fails, len(climbed))
    held = [index for index, rung in enumerate(climbed[:first]) if rung.holds]
    if held:
        above = climbed[held[-1] + 1 :]
        return climbed[held[-1]], above[0] if above else None
    failed = climbed[first:]
    return None, (climbed[0] if climbed else None) if not failed else failed[0]


def _limit(rung: Rung) -> str:
    return "the measurement, which is void beyond" if rung.is_void else rung.broken[0]

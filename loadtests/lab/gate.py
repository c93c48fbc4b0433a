"""The gate before a release: pairs of windows until its budgets are decided, then one exit code.

Stable metrics are decided first: statements a request are exact, processor time a request varies
half as much as throughput does. Load goes A B B A between two warm servers, first closed (what they
carry), then open at one rate for both (how long they take at it), and goes on until every
tolerance is decided or the time is over.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from loadtests.lab.budgets import Budgets
from loadtests.lab.regression import Pair, compare, paired
from loadtests.lab.result import ExitCode, Gate, Outcome, Verdict
from loadtests.lab.statistics import FEWEST_PAIRS
from loadtests.lab.window import Window

LOAD = 0.5
"""Share of the slower server's rate that is offered in open windows: both must carry it."""

MODELS = ("closed", "open")
"""Both are measured in each pair."""

LOCK_UP = "burst_pool_timeouts"
ROUND = 4
"""Pairs between two looks at the figures, after the first six: A B B A twice."""


@dataclass(frozen=True)
class Profile:
    """How long a gate looks."""

    name: str
    minutes: float
    seconds: float
    """Of one window."""

    users: int
    """Of the closed model."""

    def fewest_minutes(self, *, sides: int) -> float:
        """Return what the windows take that are always measured, of one server or of both."""
        return FEWEST_PAIRS * sides * len(MODELS) * self.seconds / 60


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", minutes=4, seconds=4, users=8),
        Profile("release", minutes=15, seconds=8, users=16),
    )
}


@dataclass(frozen=True)
class Turn:
    """A span of load on one of the two servers; A is the base."""

    name: str
    side: Literal["A", "B"]
    model: Literal["open", "closed"]
    seconds: float
    users: int = 0
    rate: float = 0.0
    seed: int = 0


Measure = Callable[[Sequence[Turn]], list[Window]]
"""Walks through turns and returns a window for each, of the same name."""


def run_pairs(
    measure: Measure, budgets: Budgets, profile: Profile, *, clock: Callable[[], float]
) -> list[Window]:
    """Measure pairs until all tolerances are decided or the profile's minutes are over."""
    began = clock()
    windows = measure(_turns(range(1, FEWEST_PAIRS + 1), profile, rate=None))
    rate = _offered(paired(windows))
    if rate:
        windows += measure(_turns(range(1, FEWEST_PAIRS + 1), profile, rate=rate))
    count = FEWEST_PAIRS
    while not _is_decided(budgets, windows):
        minutes = (clock() - began) / 60
        if minutes * (count + ROUND) / count > profile.minutes:
            break
        numbers = range(count + 1, count + ROUND + 1)
        windows += measure(_turns(numbers, profile, rate=None))
        rate = rate or _offered(paired(windows))
        if rate:
            windows += measure(_turns(numbers, profile, rate=rate))
        count += ROUND
    return windows


def run_alone(measure: Measure, profile: Profile, *, rate: float | None) -> list[Window]:
    """Measure the candidate alone, for a stored base; `rate` is what that one was offered."""
    numbers = range(1, FEWEST_PAIRS + 1)
    turns = _turns(numbers, profile, rate=None)
    if rate:
        turns += _turns(numbers, profile, rate=rate)
    return measure([turn for turn in turns if turn.side == "B"])


def _turns(numbers: Iterable[int], profile: Profile, *, rate: float | None) -> list[Turn]:
    """A B, then B A: what drifts steadily favours neither."""
    sides: tuple[tuple[Literal["A", "B"], ...], ...] = (("A", "B"), ("B", "A"))
    return [
        Turn(
            name=f"pair {number} {side}",
            side=side,
            model="closed" if rate is None else "open",
            seconds=profile.seconds,
            users=profile.users if rate is None else 0,
            rate=rate or 0.0,
            seed=number,  # both servers get the same journeys
        )
        for number in numbers
        for side in sides[(number - 1) % 2]
    ]


def _offered(pairs: Sequence[Pair]) -> float | None:
    """Journeys a second that both carry with ease; None if nothing valid says how many."""
    sides = [
        [pair.base for pair in pairs if pair.is_valid],
        [pair.candidate for pair in pairs if pair.is_valid],
    ]
    middles = [
        sorted(w.journeys / w.seconds for w in side)[len(side) // 2] for side in sides if side
    ]
    slowest = min(middles, default=0.0)
    return LOAD * slowest if slowest > 0 else None


def _is_decided(budgets: Budgets, windows: Sequence[Window]) -> bool:
    """Whether nothing is open, or something is worse already, which no more windows would mend."""
    outcomes = {gate.outcome for gate in compare(budgets.regression, paired(windows))}
    return Outcome.FAIL in outcomes or not outcomes & {Outcome.INCONCLUSIVE, Outcome.VOID}


def judge(gates: Sequence[Gate]) -> Verdict:
    """Put all gates together. What is broken outweighs what is unknown; neither becomes 0."""
    failed = [gate for gate in gates if gate.outcome is Outcome.FAIL]
    for code, chosen, what in (
        (ExitCode.LOCK_UP, [g for g in failed if g.metric == LOCK_UP], "the server locks up"),
        (
            ExitCode.REGRESSION,
            [g for g in failed if g.scope == "regression"],
            "worse than its base",
        ),
        (ExitCode.BUDGET, failed, "over budget"),
        (ExitCode.VOID, [g for g in gates if g.outcome is Outcome.VOID], "void"),
        (
            ExitCode.INCONCLUSIVE,
            [g for g in gates if g.outcome is Outcome.INCONCLUSIVE],
            "undecided",
        ),
    ):
        if chosen:
            return Verdict(code=code, summary=f"{what.capitalize()}: {_told(chosen)}.")
    if not gates:
        return Verdict(code=ExitCode.VOID, summary="Void: there was nothing to decide.")
    return Verdict(code=ExitCode.PASS, summary=f"All {len(gates)} budgets are kept.")


def _told(gates: Sequence[Gate]) -> str:
    first = f"{title(gates[0])}, {tell(gates[0])}"
    more = f" and {len(gates) - 1} more" if len(gates) > 1 else ""
    return f"{first}{more}"


def title(gate: Gate) -> str:
    """How a gate is called."""
    return f"{gate.metric} of {gate.scope}" if " " in gate.scope else f"{gate.scope} {gate.metric}"


def tell(gate: Gate) -> str:
    """Say in figures what was allowed and what was seen."""
    said = []
    if gate.low is not None and gate.high is not None and gate.ratio is not None:
        change, low, high = (100 * (value - 1) for value in (gate.ratio, gate.low, gate.high))
        said.append(
            f"{change:+.1f} % ({low:+.1f} to {high:+.1f}), {100 * gate.allowed:+g} % allowed"
        )
    elif gate.observed is not None and gate.base is not None:
        said.append(f"{gate.base:.4g} before, {gate.observed:.4g} now, {gate.allowed:+g} allowed")
    elif gate.observed is not None:
        said.append(f"{gate.observed:.4g}, {gate.allowed:g} allowed")
    return "; ".join([*said, *([gate.note] if gate.note else [])]) or gate.outcome.value

"""Whether a candidate got worse than its base: intervals of ratios against tolerances.

A metric fails where its interval lies wholly beyond the tolerance, passes where it lies wholly
within, and is inconclusive where it straddles it. Statements are counted, not timed: those need
no interval.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from loadtests.lab.budgets import EXACT
from loadtests.lab.metrics import cpu_per_request, memory, queries_of_route, routes
from loadtests.lab.result import Gate, Outcome
from loadtests.lab.statistics import (
    FEWEST_PAIRS,
    Interval,
    noise_floor,
    paired_ratio,
    pairs_needed,
    unpaired_ratio,
)
from loadtests.lab.window import Window

PAIR = re.compile(r"pair (?P<number>\d+) (?P<side>[AB])")
"""How windows of a gate are named; A is the base, B the candidate."""

SLACK = 0.1
"""Statements by which a route's mean may differ by chance: work that is done now and then."""

DRIFT = 0.10
"""What identical runs of the same machine differ by on different days, beside any tolerance."""

Value = Callable[[Window], float | None]
Sides = tuple[list[float], list[float]]
"""Values of the base, and of the candidate."""

VALUES: Mapping[str, Value] = {
    "cpu_ms_per_request": lambda window: cpu_per_request([window]),
    "capacity": lambda window: window.rate,
    "p50": lambda window: window.quantile(0.5),
    "p95": lambda window: window.quantile(0.95),
    "p99": lambda window: window.quantile(0.99),
    "memory": lambda window: memory([window]),
}
WHERE = {"capacity": "closed", "p50": "open", "p95": "open", "p99": "open"}
"""The model of the windows that a metric is taken from, if there are some; else from all."""


@dataclass(frozen=True)
class Pair:
    """Two windows that were measured side by side."""

    base: Window
    candidate: Window

    @property
    def is_valid(self) -> bool:
        return not (self.base.voids or self.candidate.voids)


def paired(windows: Iterable[Window]) -> list[Pair]:
    """Put the windows of a gate together by their names and their models."""
    sides: dict[tuple[int, str], dict[str, Window]] = {}
    for window in windows:
        if found := PAIR.fullmatch(window.name):
            key = int(found["number"]), window.model
            sides.setdefault(key, {})[found["side"]] = window
    both = [sides[key] for key in sorted(sides) if len(sides[key]) == len("AB")]
    return [Pair(base=pair["A"], candidate=pair["B"]) for pair in both]


def compare(
    tolerances: Mapping[str, float], pairs: Sequence[Pair], *, minutes: float = 0.0
) -> list[Gate]:
    """Hold the candidate against its base; `minutes` is what the pairs have taken."""
    valid = [pair for pair in pairs if pair.is_valid]
    models = {pair.base.model for pair in pairs}
    if not valid:
        return _all_void(tolerances, [pair.base for pair in pairs] + [p.candidate for p in pairs])
    gates = []
    for metric, tolerance in tolerances.items():
        if metric == EXACT:
            gates.append(
                _exact(tolerance, [pair.base for pair in valid], [p.candidate for p in valid])
            )
            continue
        sides = _sides(metric, valid, models)
        found = paired_ratio(*sides) if len(sides[0]) >= FEWEST_PAIRS else None
        gates.append(_timed(metric, tolerance, sides, found, minutes=minutes))
    return gates


def compare_stored(
    tolerances: Mapping[str, float], base: Sequence[Window], candidate: Sequence[Window]
) -> list[Gate]:
    """Hold it against windows of another day, which drifted: only jumps beyond that are seen."""
    old, new = ([w for w in windows if not w.voids] for windows in (base, candidate))
    if not old or not new:
        return _all_void(tolerances, [*base, *candidate])
    gates = []
    for metric, tolerance in tolerances.items():
        if metric == EXACT:
            gates.append(_exact(tolerance, old, new))
            continue
        models = {window.model for window in (*base, *candidate)}
        sides = _values(metric, old, models), _values(metric, new, models)
        is_enough = min(map(len, sides)) >= FEWEST_PAIRS
        found = unpaired_ratio(*sides) if is_enough else None
        drifted = tolerance + math.copysign(DRIFT, tolerance)
        gate = _timed(metric, drifted, sides, found)
        note = f"{DRIFT:.0%} added for the drift between days"
        gates.append(gate.model_copy(update={"note": "; ".join(filter(None, [gate.note, note]))}))
    return gates


def floor_of(pairs: Sequence[Pair]) -> float:
    """The smallest difference in rate that these windows tell apart.

    In A B B A the same server comes twice in a row: neighbours of one server are an A/A test.
    """
    closed = [pair for pair in pairs if pair.is_valid and pair.base.model == "closed"]
    sides = ([p.base.rate for p in closed], [p.candidate.rate for p in closed])
    return max(noise_floor([rate for rate in side if rate]) for side in sides)


def _sides(metric: str, pairs: Sequence[Pair], models: Collection[str]) -> Sides:
    """The metric's values of each valid pair that has both; `models` are those of all pairs."""
    value, model = VALUES[metric], WHERE.get(metric)
    chosen = [pair for pair in pairs if pair.base.model == model or model not in models]
    found = [(value(pair.base), value(pair.candidate)) for pair in chosen]
    both = [(one, other) for one, other in found if one and other]
    return [one for one, _ in both], [other for _, other in both]


def _values(metric: str, windows: Sequence[Window], models: Collection[str]) -> list[float]:
    value, model = VALUES[metric], WHERE.get(metric)
    chosen = [window for window in windows if window.model == model or model not in models]
    return [found for window in chosen if (found := value(window))]


def _timed(
    metric: str, tolerance: float, sides: Sides, found: Interval | None, *, minutes: float = 0.0
) -> Gate:
    there, here = sides
    gate = Gate(scope="regression", metric=metric, allowed=tolerance, outcome=Outcome.VOID)
    if found is None:
        count = min(len(there), len(here))
        lacking = (
            "no valid pair measured it" if not count else f"{count} valid pairs of {FEWEST_PAIRS}"
        )
        return gate.model_copy(update={"note": lacking})
    outcome = _outcome(found, 1 + tolerance)
    note = ""
    if outcome is Outcome.INCONCLUSIVE:
        note = _minutes_needed(found, len(here), 1 + tolerance, minutes)
    return gate.model_copy(
        update={
            "base": _middle(there),
            "observed": _middle(here),
            "ratio": found.ratio,
            "low": found.low,
            "high": found.high,
            "outcome": outcome,
            "note": note,
        }
    )


def _outcome(found: Interval, bound: float) -> Outcome:
    """Beyond a bound below 1 is under it, beyond one above 1 is over it."""
    is_least = bound < 1
    if found.high < bound if is_least else found.low > bound:
        return Outcome.FAIL
    if found.low >= bound if is_least else found.high <= bound:
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def _minutes_needed(found: Interval, pairs: int, bound: float, minutes: float) -> str:
    needed = pairs_needed(found, pairs, bound=bound)
    if needed is None:
        return "it lies at its tolerance: no time would decide it"
    if not minutes:
        return f"about {needed} windows are needed"
    return f"needs about {math.ceil(minutes * needed / pairs)} minutes"


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _exact(tolerance: float, base: Sequence[Window], candidate: Sequence[Window]) -> Gate:
    """Compare the statements of each route that both have; the one that grew most decides."""
    seen = sorted({route.route for route in routes(candidate)})
    figures = [
        (after - before, before, after, route)
        for route in seen
        if (before := queries_of_route(base, route)) is not None
        and (after := queries_of_route(candidate, route)) is not None
    ]
    gate = Gate(scope="regression", metric=EXACT, allowed=tolerance, outcome=Outcome.VOID)
    if not figures:
        return gate.model_copy(update={"note": "it was not measured"})
    more, before, after, route = max(figures)
    is_kept = more <= tolerance + SLACK
    return gate.model_copy(
        update={
            "base": before,
            "observed": after,
            "outcome": Outcome.PASS if is_kept else Outcome.FAIL,
            "note": "" if is_kept else f"{route}: {before:.1f} before, {after:.1f} now",
        }
    )


def _all_void(tolerances: Mapping[str, float], windows: Sequence[Window]) -> list[Gate]:
    reasons = [reason for window in windows for reason in window.voids]
    common = max(reasons, key=reasons.count, default="nothing was measured")
    note = f"no pair is valid: {common}"
    return [
        Gate(scope="regression", metric=metric, allowed=allowed, outcome=Outcome.VOID, note=note)
        for metric, allowed in tolerances.items()
    ]

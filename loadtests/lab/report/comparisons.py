"""Ratios with their intervals: a release against its base, and knobs that were turned."""

from loadtests.lab.report import choices
from loadtests.lab.report.drawing import HALF, SMALL, Figure
from loadtests.lab.report.rows import Forest, Interval
from loadtests.lab.report.units import number, ratio
from loadtests.lab.result import Outcome, Result

INKS = {Outcome.PASS: "s1", Outcome.FAIL: "bad"}


def figures(result: Result) -> list[Figure]:
    """Draw them where there are any."""
    return [figure for figure in (_against_base(result), _turned(result)) if figure is not None]


def _against_base(result: Result) -> Figure | None:
    intervals, rows = [], []
    for gate in result.gates:
        if gate.ratio is None or gate.ratio <= 0:
            continue
        limit = choices.tolerance(gate)
        low, high = gate.low or gate.ratio, gate.high or gate.ratio
        name = gate.metric if gate.scope == "regression" else f"{gate.metric}, {gate.scope}"
        ink = INKS.get(gate.outcome, "s2")
        intervals.append(Interval(name, gate.ratio, low, high, limit, ink))
        figures = (gate.base, gate.observed)
        rows.append(
            [
                *(name, *map(number, figures)),
                *map(ratio, (gate.ratio, low, high, limit)),
                gate.outcome.value,
            ]
        )
    if not intervals:
        return None
    base = f" {result.base.revision[:8]}" if result.base is not None else ""
    forest = Forest(f"ratio to the base{base}", intervals)
    return Figure(
        "forest",
        "Against the base",
        "Intervals of confidence; the short upright is what budgets.toml tolerates.",
        forest.draw(HALF),
        forest.draw(SMALL),
        ["metric", "base", "now", "ratio", "low", "high", "tolerated", "outcome"],
        rows,
    )


def _turned(result: Result) -> Figure | None:
    found = [(each.knob, each) for d in result.diagnoses for each in d.counterfactuals]
    intervals = [
        Interval(f"{knob}: {each.changed.label}", each.ratio, each.low, each.high)
        for knob, each in found
        if each.ratio > 0
    ]
    if not intervals:
        return None
    forest = Forest("answers a second, changed to unchanged", intervals)
    return Figure(
        "turned",
        "What turning one knob brought",
        "The proof of a diagnosis: a guilty knob brings more, an innocent one stays at 1.",
        forest.draw(HALF),
        forest.draw(SMALL),
        ["knob", "ratio", "low", "high"],
        [[each.name, ratio(each.ratio), ratio(each.low), ratio(each.high)] for each in intervals],
    )

"""Compare two results that were measured at different times, on machines of one class.

    python manage.py loadtest compare BEFORE.json AFTER.json

Machines drift between days: only what is more than that is called worse. `gate --base` measures
both side by side and sees far smaller differences. The tolerances are those of
loadtests/budgets.toml.
"""

import argparse
from pathlib import Path

from loadtests.lab import baselines
from loadtests.lab.budgets import BUDGETS, Budgets
from loadtests.lab.gate import judge, tell, title
from loadtests.lab.regression import compare_stored
from loadtests.lab.result import Gate, Result
from loadtests.lab.window import Window


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)


def handle(options: argparse.Namespace) -> int:
    before, after = baselines.read(options.before), baselines.read(options.after)
    baselines.refuse_different(before, after)
    gates = compare(before, after, Budgets.load(BUDGETS))
    verdict = judge(gates)
    print(*table(gates), "", verdict.summary, sep="\n")
    return verdict.code


def compare(before: Result, after: Result, budgets: Budgets) -> list[Gate]:
    """Hold one against the other, each as a whole or, of a gate, what was judged in it."""
    return compare_stored(budgets.regression, _judged(before), _judged(after))


def table(gates: list[Gate]) -> list[str]:
    """A line for each gate."""
    names = [title(gate) for gate in gates]
    width = max(map(len, names), default=0)
    return [
        f"{gate.outcome.value:<12}  {name:<{width}}  {tell(gate)}"
        for name, gate in zip(names, gates, strict=True)
    ]


def _judged(result: Result) -> list[Window]:
    is_gate = result.kind in {"gate", "baseline"}
    return baselines.candidates(result.windows) if is_gate else result.windows

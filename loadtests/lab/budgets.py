"""What a release may cost: `loadtests/budgets.toml`, read strictly and held against evidence.

A budget that is misspelt would pass for ever, so that an unknown table, metric, unit or route is an
error with a suggestion. `evaluate` holds absolute budgets against one server's windows;
`regression.py` holds a candidate against its base.
"""

import math
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.lab.metrics import GLOBAL, LIMITS, ROUTE, TAIL, Evidence, Metric, requests
from loadtests.lab.result import Gate, Outcome
from project.errors import CommandError
from project.management.parser import suggestion
from project.settings import ROOT

BUDGETS = ROOT / "loadtests" / "budgets.toml"

TOLERANCE = re.compile(r"(?P<sign>[+-])(?P<number>\d+(?:\.\d+)?)(?P<unit>%?)")
WORSE = {
    "queries_per_request": "+",
    "cpu_ms_per_request": "+",
    "capacity": "-",
    "p50": "+",
    "p95": "+",
    "p99": "+",
    "memory": "+",
}
"""What may be compared with a base, the stable ones first, and the sign of getting worse."""

EXACT = "queries_per_request"
"""The one that is counted and not timed, so that its tolerance is a number of statements."""

Tables = Mapping[str, Any]


@dataclass(frozen=True)
class Budgets:
    """The file, read: what each metric may be, and by how much it may get worse."""

    everywhere: dict[str, float] = field(default_factory=dict)
    by_route: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    regression: Mapping[str, float] = field(default_factory=dict)
    """Shares, -0.07 say; of `queries_per_request` a number of statements."""

    @classmethod
    def load(cls, path: Path, routes: Collection[str] | None = None) -> "Budgets":
        """Read the file. Raises CommandError, with exit code 2, for whatever it does not know.

        Without `routes` any route counts as known: nobody asks for those.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise _wrong(path.name, f"cannot be read: {error.strerror}.") from error
        return cls.parse(text, routes, name=path.name)

    @classmethod
    def parse(
        cls, text: str, routes: Collection[str] | None, *, name: str = "budgets.toml"
    ) -> "Budgets":
        """Read its text; `routes` are those that the application has."""
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _wrong(name, f"is no TOML: {error}") from error
        try:
            return cls._read(tables, routes)
        except Mistake as mistake:
            raise _wrong(f"{name}:", str(mistake)) from mistake

    @classmethod
    def _read(cls, tables: Tables, routes: Collection[str] | None) -> "Budgets":
        for name in tables:
            _expect("table", name, ("global", "route", "regression", "limits"))
        by_route = _table(tables, "route")
        for route in by_route:
            _expect("route", route, by_route if routes is None else routes)
        return cls(
            everywhere=_numbers(tables, "global", GLOBAL),
            by_route={route: _numbers(by_route, route, ROUTE) for route in by_route},
            limits=_numbers(tables, "limits", LIMITS),
            regression=_tolerances(_table(tables, "regression")),
        )


class Mistake(Exception):
    """Something in the file that means nothing."""


def _wrong(place: str, what: str) -> CommandError:
    return CommandError(f"{place} {what}", exit_code=2)


def _expect(kind: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        listed = f"There are: {', '.join(known)}." if len(known) <= len(GLOBAL) else ""
        hint = suggestion(name, known) or listed or "`loadtest list` shows those there are."
        raise Mistake(f"unknown {kind} {name!r}. {hint}")


def _table(tables: Tables, name: str) -> Tables:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise Mistake(f"{name} is a table: [{name}].")
    return table


def _numbers(tables: Tables, name: str, metrics: Mapping[str, Metric]) -> dict[str, float]:
    table = _table(tables, name)
    for metric, value in table.items():
        _expect(f"metric of [{name}]", metric, metrics)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value < 0:
            raise Mistake(f"[{name}] {metric} = {value!r} is no number from 0 on, without a unit.")
        if value > metrics[metric].most:
            raise Mistake(f"[{name}] {metric} = {value} is a share: from 0 to 1.")
    return dict(table)


def _tolerances(table: Tables) -> dict[str, float]:
    for metric in table:
        _expect("metric of [regression]", metric, WORSE)
    return {metric: _tolerance(metric, table[metric]) for metric in WORSE if metric in table}


def _tolerance(metric: str, value: Any) -> float:
    unit = "" if metric == EXACT else "%"
    parts = TOLERANCE.fullmatch(value) if isinstance(value, str) else None
    example = f'write {metric} = "{WORSE[metric]}{0 if metric == EXACT else 10}{unit}".'
    if parts is None or parts["unit"] != unit:
        raise Mistake(f"[regression] {metric} = {value!r} has an unknown unit: {example}")
    if parts["sign"] != WORSE[metric]:
        raise Mistake(f"[regression] {metric} = {value!r} lets it get better only: {example}")
    number = float(parts["sign"] + parts["number"])
    if number <= -100:  # noqa: PLR2004 - percent
        raise Mistake(f"[regression] {metric} = {value!r} leaves nothing: {example}")
    return number / 100 if unit else number


def evaluate(budgets: Budgets, evidence: Evidence) -> list[Gate]:
    """Hold the absolute budgets against what was measured."""
    everywhere = [
        _gate("global", metric, allowed, GLOBAL[metric], evidence)
        for metric, allowed in budgets.everywhere.items()
    ]
    limits = [
        _gate("limits", metric, allowed, LIMITS[metric], evidence)
        for metric, allowed in budgets.limits.items()
    ]
    routes = [
        _gate(route, metric, allowed, ROUTE[metric], evidence)
        for route, table in budgets.by_route.items()
        for metric, allowed in table.items()
    ]
    return [*everywhere, *limits, *routes]


def _gate(scope: str, name: str, allowed: float, metric: Metric, evidence: Evidence) -> Gate:
    route = "" if scope in {"global", "limits"} else scope
    observed = metric.read(evidence, route)
    gate = Gate(scope=scope, metric=name, allowed=allowed, observed=observed, outcome=Outcome.VOID)
    if observed is None:
        return gate.model_copy(update={"note": _why_nothing(evidence, route)})
    needed = math.ceil(TAIL / (1 - metric.share)) if metric.share else 0
    seen = requests(evidence, route) if needed else 0
    if seen < needed:
        note = f"{seen} requests, and {needed} are needed"
        return gate.model_copy(update={"outcome": Outcome.INCONCLUSIVE, "note": note})
    is_kept = observed >= allowed if metric.is_better_higher else observed <= allowed
    return gate.model_copy(update={"outcome": Outcome.PASS if is_kept else Outcome.FAIL})


def _why_nothing(evidence: Evidence, route: str) -> str:
    voids = [reason for window in evidence.windows for reason in window.voids]
    if voids and not evidence.steady:
        return f"no window is valid: {max(voids, key=voids.count)}"
    return "nothing measured visited it" if route else "it was not measured"

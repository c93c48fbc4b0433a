"""Turns a result into one page. A section appears only where its data are there.

The page asks no network and runs no script; its policy allows its own style sheet and nothing else.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from loadtests.lab.report import choices, comparisons, costs, ladders, units
from loadtests.lab.result import ExitCode, Result
from loadtests.lab.window import Window

FOLDER = Path(__file__).parent
INVISIBLE = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, 0xFFFE, 0xFFFF], "�")
"""What no XML may hold, and what could move a terminal's cursor."""

MEANINGS: Mapping[ExitCode, tuple[str, str]] = {
    ExitCode.PASS: ("Pass", "good"),
    ExitCode.BUDGET: ("Budget broken", "bad"),
    ExitCode.USAGE: ("Wrong usage", "bad"),
    ExitCode.REGRESSION: ("Regression", "bad"),
    ExitCode.VOID: ("Void", "unsure"),
    ExitCode.INCONCLUSIVE: ("Inconclusive", "unsure"),
    ExitCode.LOCK_UP: ("Lock-up", "bad"),
}
"""A verdict in a word, and how it looks."""


@dataclass(frozen=True)
class Tile:
    """A figure of the headline."""

    name: str
    value: str
    note: str = ""


def write_html(result: Result, path: Path) -> None:
    """Write the page, whole or not at all."""
    draft = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(render(result), encoding="utf-8")
    draft.replace(path)


def render(result: Result) -> str:
    """Return the page."""
    style = (FOLDER / "report.css").read_text(encoding="utf-8")
    meaning, tone = MEANINGS[result.verdict.code]
    return (
        environment()
        .get_template("report.html")
        .render(
            result=result,
            style=Markup(style),  # noqa: S704 - our own file
            style_hash=_hash(style),
            meaning=meaning,
            tone=tone,
            tiles=tiles(result),
            difference=choices.difference(result),
            fleet=costs.fleet_sentence(result),
            budgets=choices.budgets(result),
            limits=_limits(result),
            ladder=ladders.figures(result),
            costs=costs.figures(result),
            comparisons=comparisons.figures(result),
            courses=ladders.courses(result),
            main=choices.main_window(result),
            tolerance=choices.tolerance,
            blocked=blocked(result),
            void=[window for window in result.windows if window.voids],
        )
    )


def tiles(result: Result) -> list[Tile]:
    """Choose what the headline says in figures."""
    window = choices.main_window(result)
    capacity = choices.capacity_of(result, choices.chosen(result))
    if capacity is None:
        return _tiles_of_window(window) if window is not None else []
    span = f"{units.number(capacity.low)} to {units.number(capacity.high)}"
    found = [Tile("Capacity", units.per_second(capacity.rate), f"requests, {span}")]
    if result.recommendation is not None:
        rate = units.per_second(result.recommendation.operating_rate)
        found.append(Tile("Plan with", rate, "requests, headroom kept"))
    config = capacity.config
    workers, pool = units.counted(config.workers, "worker"), f"pool of {config.pool} each"
    found.append(Tile("Settings", workers, pool))
    if window is not None:
        at = f"at {units.per_second(window.rate)}"
        found.append(Tile("p95", units.duration(window.quantile(0.95)), at))
    return found


def blocked(result: Result) -> list[dict[str, Any]]:
    """Add up, line by line, what held an event loop; the longest first."""
    found: dict[str, dict[str, Any]] = {}
    for window in result.windows:
        for each in (line for worker in window.workers for line in worker.blocked):
            line = found.setdefault(
                each.where, {"where": each.where, "seconds": 0.0, "times": 0, "windows": {}}
            )
            line["seconds"] += each.seconds
            line["times"] += each.times
            line["windows"][f"{window.name}, {window.config.label}"] = None
    return sorted(found.values(), key=lambda line: -line["seconds"])


@cache
def environment() -> Environment:
    """Jinja, strict about names; everything is escaped, and invisible characters are shown."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    forms = (
        *(units.number, units.per_second, units.duration, units.milliseconds, units.percent),
        *(units.size, units.ratio, units.moment, units.counted),
    )
    made.filters.update({form.__name__: form for form in forms})
    return made


def visible(value: Any) -> Any:
    """Replace what no document may hold."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(INVISIBLE)
    return value


def _tiles_of_window(window: Window) -> list[Tile]:
    failed = sum(route.failed.count for route in window.routes)
    return [
        Tile("Answered", units.per_second(window.rate), _standing(window)),
        Tile("p50", units.duration(window.quantile(0.5)), "half are faster"),
        Tile("p95", units.duration(window.quantile(0.95)), f"p99 {_p99(window)}"),
        Tile("Failed", units.percent(window.error_rate), units.counted(failed, "request")),
    ]


def _standing(window: Window) -> str:
    return "in a void window" if window.voids else "requests as expected"


def _p99(window: Window) -> str:
    return units.duration(window.quantile(0.99))


def _limits(result: Result) -> list[tuple[str, str, str]]:
    """Write each budget as scope, metric and what is allowed."""
    return [
        (scope, metric, units.duration(allowed) if metric[:1] == "p" else units.number(allowed))
        for (scope, metric), allowed in choices.budgets(result).items()
    ]


def _hash(style: str) -> str:
    """Return what a content security policy wants to know of a style sheet."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

"""The summary for a terminal: the verdict first, then what to set and why, then what is bad."""

import sys
import textwrap
from collections.abc import Iterator

from loadtests.lab.report import choices, units
from loadtests.lab.report.page import MEANINGS, blocked, visible
from loadtests.lab.result import Outcome, Result
from loadtests.lab.window import Route, Window

PAINTS = {"good": "32", "bad": "31", "unsure": "33", "strong": "1", "faint": "2"}
ASCII = str.maketrans({"–": "-", "×": "x", "…": "~", "█": "#", "░": ".", "│": "|"})  # noqa: RUF001
LABEL = 11
NARROWEST, WIDEST = 48, 110
WORST, FIRST = 5, 3


def summarise(result: Result, *, width: int = 80, colour: bool = False, encoding: str = "") -> str:
    """Return the summary; in plain ASCII where the encoding, standard output's, has no blocks."""
    sheet = _Sheet(min(max(width, NARROWEST), WIDEST), colour)
    meaning, tone = MEANINGS[result.verdict.code]
    code = f"exit code {result.verdict.code.value}"
    sheet.lines.append(
        f"{sheet.paint(meaning.upper(), tone, 'strong')}  {sheet.paint(code, 'faint')}"
    )
    sheet.text(result.verdict.summary)
    for label, lines in _parts(result, sheet):
        sheet.part(label, lines)
    text = "\n".join(sheet.lines) + "\n"
    if _has_blocks(encoding or sys.stdout.encoding or "ascii"):
        return text
    return text.translate(ASCII).encode("ascii", "replace").decode()


class _Sheet:
    """Lines of a width; colour goes on after wrapping, so that it takes no room."""

    def __init__(self, width: int, colour: bool) -> None:
        self.width, self.colour = width, colour
        self.lines: list[str] = []

    def paint(self, text: str, *tones: str) -> str:
        if not self.colour:
            return text
        return f"\033[{';'.join(PAINTS[tone] for tone in tones)}m{text}\033[0m"

    def text(self, text: str) -> None:
        plain = _plain(text)
        self.lines += textwrap.wrap(plain, self.width)

    def part(self, label: str, lines: list[str]) -> None:
        """Write lines beside their label."""
        if not lines:
            return
        self.lines.append("")
        for place, line in enumerate(lines):
            head = self.paint(f"{label if place == 0 else '':<{LABEL}}", "faint")
            self.lines.append(f"{head}{line}".rstrip())

    def wrapped(self, text: str) -> list[str]:
        return textwrap.wrap(_plain(text), self.width - LABEL)


def _parts(result: Result, sheet: _Sheet) -> Iterator[tuple[str, list[str]]]:
    window = choices.main_window(result)
    yield "capacity", _capacity(result, sheet)
    if window is not None:
        yield "answers", _answers(result, window, sheet)
    yield "set", _settings(result, sheet)
    why = [each.summary for each in result.diagnoses]
    why += result.recommendation.reasons if result.recommendation is not None else []
    yield "why", [line for text in why for line in sheet.wrapped(text)]
    yield "gates", _gates(result, sheet)
    if window is not None:
        yield "slowest", list(_routes(result, window, sheet))
    lines = blocked(result)[:WORST]
    held = [f"{e['where']} held the loop for {units.duration(e['seconds'])}" for e in lines]
    yield "blocked", [line for text in held for line in sheet.wrapped(text)]
    yield "void", _voids(result, sheet)


def _capacity(result: Result, sheet: _Sheet) -> list[str]:
    """Draw capacities as bars; the part to plan with is full."""
    capacities = sorted(result.capacities, key=lambda capacity: -capacity.rate)[:WORST]
    if not capacities:
        return []
    most = max(capacity.rate for capacity in capacities) or 1.0
    names = max(len(capacity.config.label) for capacity in capacities)
    room = max(10, sheet.width - LABEL - names - 34)
    share = 1.0
    if result.recommendation is not None and result.recommendation.capacity.rate:
        share = result.recommendation.operating_rate / result.recommendation.capacity.rate
    lines = []
    for capacity in capacities:
        whole = round(room * capacity.rate / most)
        full = round(whole * min(1.0, share))
        bar = "█" * full + "░" * (whole - full)
        span = f"({units.number(capacity.low)} to {units.number(capacity.high)})"
        rate = f"{units.per_second(capacity.rate):>8}"
        lines.append(f"{_plain(capacity.config.label):<{names}} {bar:<{room}} {rate} {span}")
    if share < 1 and result.recommendation is not None:
        plan = units.per_second(result.recommendation.operating_rate)
        text = f"plan with {plan}: the full part of each bar"
        lines += [sheet.paint(line, "faint") for line in sheet.wrapped(text)]
    limited = capacities[0].limited_by
    return [*lines, *(sheet.wrapped(f"first to break: {limited}") if limited else [])]


def _answers(result: Result, window: Window, sheet: _Sheet) -> list[str]:
    """Draw the quantiles of the main window, against their budgets where there are any."""
    limits = choices.budgets(result)
    lines = []
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        seconds, allowed = window.quantile(share), limits.get(("global", name))
        text = f"{name} {units.duration(seconds):>8}"
        if allowed and seconds is not None:
            room = max(6, min(20, sheet.width - LABEL - 28))
            full = min(room, round(room * seconds / allowed))
            tone = "bad" if seconds > allowed else "good"
            bar = sheet.paint("█" * full, tone) + "░" * (room - full)
            text += f"  {bar}│ of {units.duration(allowed)}"
        lines.append(text)
    load = f"{units.per_second(window.rate)} in “{window.name}”, {window.config.label}"
    failed = units.percent(window.error_rate)
    return [*sheet.wrapped(f"{load}; {failed} failed"), *lines]


def _settings(result: Result, sheet: _Sheet) -> list[str]:
    tones = {"+": "good", "-": "bad"}
    return [
        sheet.paint(f"{sign} {_plain(line)}", tones[sign]) if sign in tones else f"  {_plain(line)}"
        for sign, line in choices.difference(result)
    ]


def _gates(result: Result, sheet: _Sheet) -> list[str]:
    if not result.gates:
        return []
    passed = sum(gate.outcome is Outcome.PASS for gate in result.gates)
    lines = [f"{passed} of {units.counted(len(result.gates), 'gate')} passed"]
    for gate in result.gates:
        if gate.outcome is not Outcome.PASS:
            is_compared = gate.ratio is not None
            seen = units.ratio(gate.ratio) if is_compared else units.number(gate.observed)
            allowed = choices.tolerance(gate) if is_compared else gate.allowed
            tone = "bad" if gate.outcome is Outcome.FAIL else "unsure"
            text = f"{gate.scope} {gate.metric}: {seen}, allowed {units.number(allowed)}"
            lines += [
                sheet.paint(line, tone) for line in sheet.wrapped(f"{gate.outcome.value}: {text}")
            ]
    return lines


def _routes(result: Result, window: Window, sheet: _Sheet) -> Iterator[str]:
    """Name the slowest routes, right-aligned figures first."""
    limits = choices.budgets(result)

    def slowness(route: Route) -> float:
        return route.ok.quantile(0.95) or 0.0

    for route in sorted(window.routes, key=slowness, reverse=True)[:WORST]:
        allowed = limits.get((route.route, "p95"))
        text = f"{units.duration(route.ok.quantile(0.95)):>8} p95  "
        name = _plain(route.route)[: sheet.width - LABEL - len(text)]
        if allowed and slowness(route) > allowed:
            text = sheet.paint(text, "bad")
        yield text + name
        for why, times in list(route.complaints.items())[:2]:
            yield from (
                sheet.paint(line, "bad")
                for line in sheet.wrapped(f"         {why}: {units.counted(times, 'time')}")
            )


def _voids(result: Result, sheet: _Sheet) -> list[str]:
    """Say which windows count for nothing, the first few with their reasons."""
    void = [window for window in result.windows if window.voids]
    lines = [f"{window.name}, {window.config.label}: {_brief(window)}" for window in void]
    shown = [line for text in lines[:FIRST] for line in sheet.wrapped(text)]
    more = len(void) - FIRST
    return shown + ([f"and {units.counted(more, 'window')} more"] if more > 0 else [])


def _brief(window: Window) -> str:
    """Return the first sentence of each reason; the page has all of them."""
    return "; ".join(reason.partition(". ")[0] for reason in window.voids)


def _plain(text: str) -> str:
    """Nothing that a result quotes may move the cursor or colour the terminal."""
    return str(visible(text)).replace("\n", " ").replace("\r", " ").replace("\x9b", "?")


def _has_blocks(encoding: str) -> bool:
    try:
        "█░│×–…“".encode(encoding)  # noqa: RUF001
    except (UnicodeEncodeError, LookupError):
        return False
    return True

"""What the server does as more is offered, and how single windows went."""

from collections.abc import Callable
from functools import partial

from loadtests.lab.report import choices, queues
from loadtests.lab.report.charts import Chart, Line, Mark, Panel
from loadtests.lab.report.drawing import FULL, HALF, SMALL, Figure
from loadtests.lab.report.loads import OFFERED, hollow_note, line
from loadtests.lab.report.units import duration, milliseconds, number, per_second
from loadtests.lab.result import Result
from loadtests.lab.window import Config, Second, Window

QUANTILES = (("p50", 0.5, "s4"), ("p95", 0.95, "s1"), ("p99", 0.99, "s2"))
INKS = ("s1", "s2", "s3", "s4")
SHORTEST = 0.3
"""Of a second: what is left at the end of a window and shorter than this is not drawn."""


def figures(result: Result) -> list[Figure]:
    """Draw the ladder of the chosen configuration, and the others' beside it."""
    ladders = choices.ladders(result)
    config = choices.chosen(result)
    if config not in ladders and ladders:
        config = max(ladders, key=lambda each: len(ladders[each]))
    found = []
    if config in ladders:
        windows = ladders[config]
        found = [_throughput(result, config, windows), _latency(result, config, windows)]
        found += filter(None, [queues.figure(config, windows)])
    if len(ladders) > 1:
        found.append(_beside(result, ladders))
    return found


def courses(result: Result) -> list[Figure]:
    """Draw how the important windows went, second by second."""
    windows = choices.told(result)
    return [_course(place, window, len(windows) == 1) for place, window in enumerate(windows)]


def _throughput(result: Result, config: Config, windows: list[Window]) -> Figure:
    most = max(window.offered or 0.0 for window in windows)
    diagonal = Line("offered", [(0, 0), (most, most)], "s4", has_dots=False)
    done = line("finished", "s1", windows, _finished)
    panel = Panel("journeys finished a second", [diagonal, done])
    chart = Chart(OFFERED, [panel], _capacity_marks(result, config), most)
    rows = [
        [
            window.name,
            *map(number, (window.offered, _finished(window), window.rate)),
            number(window.error_rate * 100),
            "; ".join(window.voids) or "valid",
        ]
        for window in windows
    ]
    return Figure(
        "throughput",
        f"Throughput of {config.label}",
        "Where the line leaves the diagonal, the server no longer answers all that comes."
        + hollow_note(windows),
        chart.draw(HALF),
        chart.draw(SMALL),
        ["window", "offered /s", "finished /s", "requests /s", "failed %", "validity"],
        rows,
    )


def _latency(result: Result, config: Config, windows: list[Window]) -> Figure:
    lines = [
        line(name, ink, windows, partial(Window.quantile, share=share))
        for name, share, ink in QUANTILES
    ]
    panel = Panel("answer time", lines, _budget_marks(result), is_log=True, form=duration)
    most = max(window.offered or 0.0 for window in windows)
    chart = Chart(OFFERED, [panel], _capacity_marks(result, config), most)
    rows = [
        [number(window.offered)]
        + [milliseconds(window.quantile(share)) for _, share, _ in QUANTILES]
        for window in windows
    ]
    return Figure(
        "latency",
        f"Answer times of {config.label}",
        "Quantiles of expected answers, counted from the moment each arrival was due."
        + hollow_note(windows),
        chart.draw(HALF),
        chart.draw(SMALL),
        ["offered /s", "p50 ms", "p95 ms", "p99 ms"],
        rows,
    )


def _beside(result: Result, ladders: dict[Config, list[Window]]) -> Figure:
    by_length = sorted(ladders, key=lambda config: -len(ladders[config]))[: len(INKS)]
    lines = [
        line(config.label, ink, ladders[config], partial(Window.quantile, share=0.95))
        for config, ink in zip(by_length, INKS, strict=False)
    ]
    marks = [mark for mark in _budget_marks(result) if mark.name.startswith("p95")]
    chart = Chart(OFFERED, [Panel("p95", lines, marks, is_log=True, form=duration)])
    rows = [
        [config.label, number(window.offered), milliseconds(window.quantile(0.95))]
        for config in by_length
        for window in ladders[config]
    ]
    return Figure(
        "beside",
        "The best configurations side by side",
        "Each bends upwards where it is full; the further right, the more it carries.",
        chart.draw(FULL),
        chart.draw(SMALL),
        ["workers x pool", "offered /s", "p95 ms"],
        rows,
        is_full=True,
    )


def _course(place: int, window: Window, is_alone: bool) -> Figure:
    seconds = _seconds(window)
    rate = Panel(
        "journeys a second",
        [
            _series("offered", "s4", seconds, lambda second: _rate(window, second, second.offered)),
            _series("done", "s1", seconds, lambda second: _rate(window, second, second.done)),
            *_failures(window),
        ],
        height=110,
    )
    in_flight = _series("in flight", "s3", seconds, lambda second: second.in_flight, True)
    p95 = _series("p95", "s2", seconds, lambda second: second.p95)
    panels = [
        rate,
        Panel("journeys in flight", [in_flight], height=70),
        Panel("answer time, p95", [p95], height=70, form=duration),
    ]
    chart = Chart("seconds into the window", panels, end=window.seconds)
    return Figure(
        f"course-{place}",
        f"{window.name}, {window.config.label}",
        f"{_load(window)} for {duration(window.seconds)}."
        + (f" Void: {'; '.join(window.voids).rstrip('.')}." if window.voids else ""),
        chart.draw(FULL if is_alone else HALF),
        chart.draw(SMALL),
        ["second", "offered", "done", "failed", "in flight", "p95 ms"],
        [_row(second) for second in seconds],
        is_full=is_alone,
    )


def _row(second: Second) -> list[str]:
    counts = (second.at, second.offered, second.done, second.failed, second.in_flight)
    return [*map(number, counts), milliseconds(second.p95)]


def _rate(window: Window, second: Second, number_of: int) -> float:
    """Return a rate; the last second of a window is seldom a whole one."""
    return number_of / min(1.0, window.seconds - second.at)


def _seconds(window: Window) -> list[Second]:
    """Leave out what is too short to mean anything."""
    return [second for second in window.timeline if window.seconds - second.at >= SHORTEST]


def _failures(window: Window) -> list[Line]:
    seconds = _seconds(window)
    if not any(second.failed for second in seconds):
        return []
    return [_series("failed", "bad", seconds, lambda s: _rate(window, s, s.failed))]


def _series(
    name: str,
    ink: str,
    seconds: list[Second],
    value: Callable[[Second], float | None],
    is_filled: bool = False,
) -> Line:
    points = [(second.at, value(second)) for second in seconds]
    return Line(name, points, ink, has_dots=False, is_filled=is_filled)


def _finished(window: Window) -> float:
    return window.journeys / window.seconds if window.seconds else 0.0


def _capacity_marks(result: Result, config: Config) -> list[Mark]:
    capacity = choices.capacity_of(result, config)
    if capacity is None or not capacity.rate:
        return []
    scale = capacity.journeys / capacity.rate
    low, high = capacity.low * scale, capacity.high * scale
    return [Mark(capacity.journeys, f"capacity {per_second(capacity.journeys)}", "mark", low, high)]


def _budget_marks(result: Result) -> list[Mark]:
    limits = choices.budgets(result)
    return [
        Mark(limits["global", name], f"{name} budget, {duration(limits['global', name])}")
        for name, _, _ in QUANTILES
        if ("global", name) in limits
    ]


def _load(window: Window) -> str:
    if window.model == "open":
        return f"{number(window.offered)} journeys offered a second"
    return f"{window.users or 0} users without a pause"

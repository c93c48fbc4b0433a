"""Lines over a common axis, in one panel or in several below one another."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from loadtests.lab.report.drawing import (
    CHARACTER,
    LINE_HEIGHT,
    Dot,
    Drawing,
    Stroke,
    text_width,
)
from loadtests.lab.report.scale import Scale, finite, fitting, linear
from loadtests.lab.report.units import number

Format = Callable[[float | None], str]
TOP, BOTTOM, GAP = 24.0, 40.0, 36.0
NARROW = 480
SPACING = 14.0
"""Between the names of two lines that end side by side."""


@dataclass(frozen=True)
class Line:
    """A series. What is in `hollow` counts for nothing: a dot, but no line leads there."""

    name: str
    points: Sequence[tuple[float, float | None]]
    ink: str
    hollow: Sequence[tuple[float, float | None]] = ()
    has_dots: bool = True
    is_filled: bool = False


@dataclass(frozen=True)
class Mark:
    """A value that matters on an axis, with its name."""

    at: float
    name: str
    ink: str = "limit"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Panel:
    """Lines with an axis of values of their own."""

    title: str
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    height: float = 220.0
    is_log: bool = False
    """Logarithmic where the values are far apart."""

    form: Format = number


@dataclass(frozen=True)
class Chart:
    """Panels that share what lies along them."""

    along: str
    panels: Sequence[Panel]
    marks: Sequence[Mark] = ()
    end: float | None = None
    """At least so far goes the common axis."""

    form: Format = field(default=number)

    def draw(self, width: float) -> Drawing:
        """Lay it out for a width."""
        height = TOP + sum(p.height for p in self.panels) + GAP * (len(self.panels) - 1) + BOTTOM
        drawing = Drawing(width, height)
        x = self._scale(self._left(), width - self._right())
        top = TOP
        for panel in self.panels:
            _draw_panel(drawing, panel, x, top)
            self._draw_marks(drawing, x, top, panel)
            top += panel.height + GAP
        self._draw_axis(drawing, x, height - BOTTOM)
        return drawing

    def _scale(self, begin: float, end: float) -> Scale:
        lines = [line for panel in self.panels for line in panel.lines]
        values: list[float | None] = [
            at for line in lines for at, _ in (*line.points, *line.hollow)
        ]
        values += [self.end, *(value for mark in self.marks for value in (mark.at, mark.high))]
        return linear(values, begin, end, count=5 if end - begin < NARROW else 8, is_tight=True)

    def _left(self) -> float:
        labels = [p.form(tick) for p in self.panels for tick in _value_scale(p, 0.0).ticks]
        return 10 + max(map(text_width, labels), default=0.0)

    def _right(self) -> float:
        names = [line.name for panel in self.panels for line in panel.lines]
        return 12 + min(110.0, max(map(text_width, names), default=0.0))

    def _draw_marks(self, drawing: Drawing, x: Scale, top: float, panel: Panel) -> None:
        for mark in self.marks:
            low = mark.at if mark.low is None else mark.low
            high = mark.at if mark.high is None else mark.high
            drawing.box(x(low), top, x(high) - x(low), panel.height, f"{mark.ink}-band")
            drawing.upright(x(mark.at), top, top + panel.height, mark.ink)
            if panel is self.panels[0]:
                is_late = x(mark.at) > (x.begin + x.end) / 2
                shift, anchor = (-6, "end") if is_late else (6, "start")
                place = top + panel.height - 8
                drawing.write(x(mark.at) + shift, place, mark.name, anchor, f"{mark.ink}-text")  # type: ignore[arg-type]

    def _draw_axis(self, drawing: Drawing, x: Scale, bottom: float) -> None:
        for tick in x.ticks:
            drawing.write(x(tick), bottom + LINE_HEIGHT + 2, self.form(tick), "middle")
        drawing.write((x.begin + x.end) / 2, bottom + 34, self.along, "middle", "ink")


def _value_scale(panel: Panel, top: float) -> Scale:
    values = [value for line in panel.lines for _, value in (*line.points, *line.hollow)]
    values += [mark.at for mark in panel.marks]
    count = 5 if panel.height > 2 * 60 else 3
    choose = fitting if panel.is_log else linear
    return choose(values, top + panel.height, top, count=count)


def _draw_panel(drawing: Drawing, panel: Panel, x: Scale, top: float) -> None:
    y = _value_scale(panel, top)
    drawing.write(0, top - 10, panel.title, ink="ink")
    for tick in y.ticks:
        is_floor = tick == y.ticks[0] and not y.is_log
        drawing.across(y(tick), x.begin, x.end, "axis" if is_floor else "grid")
        drawing.write(x.begin - 6, y(tick) + 4, panel.form(tick), "end")
    for mark in panel.marks:
        drawing.across(y(mark.at), x.begin, x.end, mark.ink)
        drawing.write(x.begin + 6, y(mark.at) - 5, mark.name, ink=f"{mark.ink}-text")
    for line in panel.lines:
        _draw_line(drawing, line, x, y, panel.form)
    _name_lines(drawing, panel, x, y)


def _draw_line(drawing: Drawing, line: Line, x: Scale, y: Scale, form: Format) -> None:
    runs = _runs(line.points, x, y)
    for run in runs:
        path = "L".join(f"{left:g} {up:g}" for left, up in run)
        if line.is_filled:
            closed = f"M{run[0][0]:g} {y.begin:g}L{path}L{run[-1][0]:g} {y.begin:g}Z"
            drawing.strokes.append(Stroke(closed, f"{line.ink}-fill"))
        if len(run) > 1:
            drawing.strokes.append(Stroke(f"M{path}", f"{line.ink}-line"))
    lone = [run[0] for run in runs if len(run) == 1]
    drawing.dots += [Dot(left, up, f"{line.ink}-dot") for left, up in lone if not line.has_dots]
    for points, ink, why in (
        (line.points if line.has_dots else (), f"{line.ink}-dot", ""),
        (line.hollow, f"{line.ink}-hollow", ", void"),
    ):
        drawing.dots += [
            Dot(x(at), y(value), ink, f"{line.name} at {number(at)}: {form(value)}{why}")
            for at, value in points
            if value is not None and math.isfinite(value) and math.isfinite(at)
        ]


def _runs(
    points: Sequence[tuple[float, float | None]], x: Scale, y: Scale
) -> list[list[tuple[float, float]]]:
    """Split where a value is missing: a line over a gap would claim what nobody saw."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in points:
        if value is None or not math.isfinite(value) or not math.isfinite(at):
            runs.append([])
        else:
            runs[-1].append((x(at), y(value)))
    return [run for run in runs if run]


def _name_lines(drawing: Drawing, panel: Panel, x: Scale, y: Scale) -> None:
    """Write each line's name where it ends, pushed apart where they would overlap."""
    ends = []
    for line in panel.lines:
        known = finite(value for _, value in line.points)
        if known:
            ends.append((y(known[-1]), line))
    place = -math.inf
    room = drawing.width - x.end - 8
    for up, line in sorted(ends, key=lambda end: end[0]):
        place = max(up + 4, place + SPACING)
        name = line.name[: max(3, int(room / CHARACTER) + 1)]
        drawing.write(x.end + 8, place, name, ink=f"{line.ink}-text")

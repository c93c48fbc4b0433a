"""Rows below one another: stacked bars against a limit, and intervals around a ratio of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtests.lab.report.charts import NARROW, Mark
from loadtests.lab.report.drawing import Dot, Drawing, Stroke, shortened, text_width
from loadtests.lab.report.scale import Scale, finite, linear, logarithmic
from loadtests.lab.report.units import number, ratio

ROW, TALL_ROW, THICK = 32.0, 48.0, 16.0
TOP, BOTTOM = 22.0, 38.0
LABEL_SHARE = 0.34


@dataclass(frozen=True)
class Bar:
    """A row: its parts, each with the ink of its key."""

    name: str
    parts: Sequence[tuple[float, str]]
    is_chosen: bool = False
    note: str = ""


@dataclass(frozen=True)
class Bars:
    """Stacked bars along one axis."""

    along: str
    bars: Sequence[Bar]
    limits: Sequence[Mark] = ()
    form: Callable[[float | None], str] = number

    def draw(self, width: float) -> Drawing:
        """Lay it out for a width."""
        rows = _Rows([bar.name for bar in self.bars], width, value_width=78)
        values = [sum(finite(value for value, _ in bar.parts)) for bar in self.bars]
        x = linear(
            [*values, *(mark.at for mark in self.limits)], rows.left, rows.right, count=rows.count
        )
        drawing = rows.frame(x, self.along, self.form)
        for place, (bar, total) in enumerate(zip(self.bars, values, strict=True)):
            self._draw_bar(drawing, bar, x, rows.middle(place))
            rows.name(drawing, place, bar.is_chosen)
            rows.value(drawing, place, bar.note or self.form(total))
        for mark in self.limits:
            drawing.upright(x(mark.at), TOP - 6, rows.bottom, mark.ink)
            is_late = x(mark.at) > (x.begin + x.end) / 2
            drawing.write(
                x(mark.at), TOP - 10, mark.name, "end" if is_late else "start", f"{mark.ink}-text"
            )
        return drawing

    def _draw_bar(self, drawing: Drawing, bar: Bar, x: Scale, middle: float) -> None:
        begin = 0.0
        for value, ink in bar.parts:
            if not finite([value]):
                continue
            edge = x(begin + value)
            tip = f"{bar.name}: {self.form(value)}"
            drawing.box(x(begin), middle - THICK / 2, edge - x(begin), THICK, f"{ink}-bar", tip=tip)
            begin += value


@dataclass(frozen=True)
class Interval:
    """A ratio with what it may be; `tolerance` is the ratio from which on it is too bad."""

    name: str
    ratio: float
    low: float
    high: float
    tolerance: float | None = None
    ink: str = "s1"


@dataclass(frozen=True)
class Forest:
    """Ratios against a base, on a logarithmic axis around one."""

    along: str
    intervals: Sequence[Interval]

    def draw(self, width: float) -> Drawing:
        """Lay it out for a width."""
        rows = _Rows([each.name for each in self.intervals], width, value_width=136)
        x = self._scale(rows)
        drawing = rows.frame(x, self.along, ratio)
        drawing.upright(x(1), TOP - 4, rows.bottom, "axis")
        for place, each in enumerate(self.intervals):
            middle = rows.middle(place)
            if each.tolerance is not None and each.tolerance > 0:
                drawing.upright(x(each.tolerance), middle - 8, middle + 8, "limit")
            low, high = x(each.low), x(each.high)
            ends = f"M{low:g} {middle - 4:g}v8M{high:g} {middle - 4:g}v8"
            drawing.strokes.append(
                Stroke(f"M{low:g} {middle:g}H{high:g}{ends}", f"{each.ink}-line")
            )
            tip = f"{each.name}: {ratio(each.ratio)}"
            drawing.dots.append(Dot(x(each.ratio), middle, f"{each.ink}-dot", tip))
            rows.name(drawing, place)
            span = f"{ratio(each.ratio)} ({each.low:.2f} to {each.high:.2f})"
            rows.value(drawing, place, span)
        return drawing

    def _scale(self, rows: "_Rows") -> Scale:
        ends = [v for e in self.intervals for v in (e.low, e.high, e.ratio, e.tolerance)]
        known = [value for value in finite(ends) if value > 0] or [1.0]
        least, most = min(*known, 0.95), max(*known, 1.05)
        if most / least > 4:  # noqa: PLR2004 - from there on 1, 2, 5 are close enough
            return logarithmic([least, most], rows.left, rows.right, count=rows.count)
        steps = linear([most - least], 0, 1, count=rows.count)
        step = steps.ticks[1]
        first, last = int((least + 1e-9) / step), -int(-(most - 1e-9) // step)
        ticks = tuple(round(step * place, 9) for place in range(max(1, first), last + 1))
        return Scale(ticks[0], ticks[-1], rows.left, rows.right, ticks, is_log=True)


class _Rows:
    """Where rows lie: names at their left, or above them where there is no room for that."""

    def __init__(self, names: Sequence[str], width: float, *, value_width: float) -> None:
        self.names, self.width = names, width
        self.is_narrow = width < NARROW
        self.count = 3 if self.is_narrow else 6
        longest = max(map(text_width, names), default=0.0)
        self.left = 16.0 if self.is_narrow else min(longest, width * LABEL_SHARE) + 14
        self.right = width - (18 if self.is_narrow else value_width)
        self.height = TALL_ROW if self.is_narrow else ROW
        self.bottom = TOP + self.height * len(names)

    def frame(self, x: Scale, along: str, form: Callable[[float | None], str]) -> Drawing:
        drawing = Drawing(self.width, self.bottom + BOTTOM)
        for tick in x.ticks:
            drawing.upright(x(tick), TOP - 4, self.bottom, "grid")
            drawing.write(x(tick), self.bottom + 15, form(tick), "middle")
        drawing.write((x.begin + x.end) / 2, self.bottom + 33, along, "middle", "ink")
        return drawing

    def middle(self, place: int) -> float:
        return TOP + self.height * place + self.height * (0.7 if self.is_narrow else 0.5)

    def name(self, drawing: Drawing, place: int, is_chosen: bool = False) -> None:
        ink = "chosen-text" if is_chosen else "ink"
        if self.is_narrow:
            room = self.width - 150
            drawing.write(4, self.middle(place) - 14, shortened(self.names[place], room), ink=ink)
        else:
            text = shortened(self.names[place], self.left - 14)
            drawing.write(self.left - 10, self.middle(place) + 4, text, "end", ink)

    def value(self, drawing: Drawing, place: int, text: str) -> None:
        if self.is_narrow:
            drawing.write(self.width - 4, self.middle(place) - 14, text, "end", "ink")
        else:
            drawing.write(self.width - 2, self.middle(place) + 4, text, "end", "ink")

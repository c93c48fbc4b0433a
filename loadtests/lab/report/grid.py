"""A heat map: a value for each pair of two settings."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loadtests.lab.report.drawing import Drawing, text_width
from loadtests.lab.report.units import number

SHADES = 7
CELL_HEIGHT, TOP, WIDEST = 46.0, 24.0, 120.0


@dataclass(frozen=True)
class Heat:
    """Values by (row, column)."""

    down: str
    along: str
    values: Mapping[tuple[int, int], float]
    chosen: tuple[int, int] | None = None
    form: Callable[[float | None], str] = number

    def draw(self, width: float) -> Drawing:
        """Lay it out for a width."""
        rows = sorted({row for row, _ in self.values})
        columns = sorted({column for _, column in self.values})
        left = 12 + max((text_width(str(row)) for row in rows), default=0.0)
        cell = min(WIDEST, (width - left) / max(1, len(columns)))
        bottom = TOP + CELL_HEIGHT * len(rows)
        drawing = Drawing(width, bottom + 42)
        drawing.write(0, TOP - 10, self.down, ink="ink")
        for place, row in enumerate(rows):
            drawing.write(left - 8, TOP + CELL_HEIGHT * (place + 0.5) + 4, str(row), "end")
        for place, column in enumerate(columns):
            drawing.write(left + cell * (place + 0.5), bottom + 17, str(column), "middle")
        drawing.write(left + cell * len(columns) / 2, bottom + 36, self.along, "middle", "ink")
        for (row, column), value in self.values.items():
            x, y = left + cell * columns.index(column), TOP + CELL_HEIGHT * rows.index(row)
            self._fill(drawing, (row, column), value, (x, y, cell))
        return drawing

    def _fill(
        self,
        drawing: Drawing,
        key: tuple[int, int],
        value: float,
        place: tuple[float, float, float],
    ) -> None:
        x, y, cell = place
        shade = self._shade(value)
        tip = f"{key[0]} x {key[1]}: {self.form(value)}"
        drawing.box(x + 1, y + 1, cell - 2, CELL_HEIGHT - 2, f"heat-{shade}", tip=tip)
        text, middle = self.form(value), (x + cell / 2, y + CELL_HEIGHT / 2 + 4)
        drawing.write(*middle, text, "middle", f"on-heat-{shade}")
        if key == self.chosen:
            drawing.box(x + 2.5, y + 2.5, cell - 5, CELL_HEIGHT - 5, "chosen", tip=tip)

    def _shade(self, value: float) -> int:
        known = [v for v in self.values.values() if math.isfinite(v)]
        if not known or not math.isfinite(value):
            return 0
        span = max(known) - min(known)
        share = (value - min(known)) / span if span else 1.0
        return min(SHADES - 1, int(share * SHADES))

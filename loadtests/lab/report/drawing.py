"""What an SVG is made of. Geometry is worked out here; the macros only write it down.

`ink` is a class of report.css, so that both colour schemes and print have their own colours.
"""

from dataclasses import dataclass, field
from typing import Literal

Anchor = Literal["start", "middle", "end"]

CHARACTER = 6.4
"""Width of a letter at 12 px, on average and a little generously: nothing here can measure text."""

LINE_HEIGHT = 15


@dataclass(frozen=True)
class Words:
    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    ink: str = "muted"


@dataclass(frozen=True)
class Stroke:
    path: str
    ink: str


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    ink: str
    tip: str = ""


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    ink: str
    tip: str = ""


@dataclass
class Drawing:
    """A picture, drawn in this order: the grid, boxes, strokes, dots, words."""

    width: float
    height: float
    grid: list[Stroke] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)

    def across(self, y: float, begin: float, end: float, ink: str) -> None:
        """Draw a level line."""
        self._layer(ink).append(Stroke(f"M{begin:g} {y:g}H{end:g}", ink))

    def upright(self, x: float, begin: float, end: float, ink: str) -> None:
        """Draw an upright line."""
        self._layer(ink).append(Stroke(f"M{x:g} {begin:g}V{end:g}", ink))

    def box(
        self, x: float, y: float, width: float, height: float, ink: str, *, tip: str = ""
    ) -> None:
        """Draw a rectangle; one without an area leaves nothing."""
        if width > 0 and height > 0:
            left, up, wide, tall = (round(value, 1) for value in (x, y, width, height))
            self.boxes.append(Box(left, up, wide, tall, ink, tip))

    def write(
        self, x: float, y: float, text: str, anchor: Anchor = "start", ink: str = "muted"
    ) -> None:
        """Write a line of text."""
        self.words.append(Words(round(x, 1), round(y, 1), text, anchor, ink))

    def _layer(self, ink: str) -> list[Stroke]:
        return self.grid if ink == "grid" else self.strokes


@dataclass(frozen=True)
class Key:
    """A line of a legend."""

    name: str
    ink: str


@dataclass
class Figure:
    """A picture for wide and for narrow screens, what it says in words, and its numbers."""

    slug: str
    title: str
    description: str
    wide: Drawing
    narrow: Drawing
    header: list[str]
    rows: list[list[str]]
    legend: list[Key] = field(default_factory=list)
    is_full: bool = False
    """As wide as the page, not half of it."""


FULL, HALF, SMALL = 1088.0, 520.0, 342.0
"""Widths in pixels that pictures are drawn for: never scaled much, so that text stays readable."""


def text_width(text: str) -> float:
    """Guess how wide a text is."""
    return len(text) * CHARACTER


def shortened(text: str, width: float) -> str:
    """Cut a text to a width; its middle goes, for routes differ at their ends."""
    room = max(3, round(width / CHARACTER))
    if len(text) <= room:
        return text
    head = room // 2
    return f"{text[:head]}…{text[len(text) - (room - head - 1) :]}"

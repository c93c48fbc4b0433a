"""What windows saw, over the load that was offered them."""

from collections.abc import Callable, Iterable

from loadtests.lab.report.charts import Line
from loadtests.lab.window import Window

OFFERED = "journeys offered a second"

Value = Callable[[Window], float | None]


def line(name: str, ink: str, windows: list[Window], value: Value) -> Line:
    """Draw a value of each window; those that are void are hollow dots beside the line."""
    solid = [(w.offered or 0.0, value(w)) for w in windows if not w.voids]
    hollow = [(w.offered or 0.0, value(w)) for w in windows if w.voids]
    return Line(name, solid, ink, hollow)


def hollow_note(windows: Iterable[Window]) -> str:
    """Explain hollow dots, if there are any."""
    return " Hollow dots are void windows." if any(window.voids for window in windows) else ""

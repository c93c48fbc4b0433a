"""A bar on a terminal that shows how far long work has come."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WIDTH = 30
INTERVAL = 0.1
EMPTY, CLEAR_LINE = "\r" + " " * 79 + "\r", "\r\033[K"


def progress_bar(label: str, total: int, *, at_end: str = "") -> Callable[[int], None]:
    """Return what draws the bar; where nobody is watching, it draws nothing.

    `at_end` says what goes on when everything has been counted.
    """
    if not sys.stderr.isatty() or not total:
        return lambda _: None
    drawn = 0.0

    def draw(done: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if done < total and now - drawn < INTERVAL:
            return
        drawn = now
        part = min(done, total)
        bar = "█" * (WIDTH * part // total)
        state = at_end if at_end and part == total else f"{100 * part // total:3d} %"
        sys.stderr.write(f"{_clear()}{label} {bar:░<{WIDTH}} {state}")
        sys.stderr.flush()

    return draw


@contextmanager
def bar_cleared() -> Iterator[None]:
    """Take the bar away, if there is one, at the end of the work and when it fails."""
    try:
        yield
    finally:
        if sys.stderr.isatty():
            sys.stderr.write(_clear())
            sys.stderr.flush()


def _clear() -> str:
    """Empty the line; without an escape sequence where none is wanted."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return EMPTY if is_plain else CLEAR_LINE

"""How far a long measurement has come, and how much time is left: a bar, or plain lines."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from project.management.style import faint

WIDTH = 24
CLEAR = "\r\033[K"


class Progress:
    """Counts seconds of a plan. On a terminal it redraws one line; elsewhere each step is one."""

    def __init__(
        self,
        seconds: float,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._began = clock()
        self._what = ""
        self.planned = seconds

    @property
    def left(self) -> float:
        """Seconds until the plan's end; 0 past it."""
        return max(0.0, self.planned - self.spent)

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._began

    def say(self, what: str) -> None:
        """Show what is being done now."""
        self._what = what
        if self._stream.isatty():
            self._stream.write(f"{CLEAR}{self.line(what)}")
        else:
            self._stream.write(f"{self._share():4.0%}  {duration(self.left):>6} left  {what}\n")
        self._stream.flush()

    def keep(self, what: str) -> None:
        """Leave a line that stays: what was found."""
        before = CLEAR if self._stream.isatty() else ""
        self._stream.write(f"{before}{faint(what, self._stream)}\n")
        self._stream.flush()

    def restart(self) -> None:
        """Count from now on: what came before was not planned."""
        self._began = self._clock()

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Redraw the line of a terminal every second, and take it away at the end."""
        if not self._stream.isatty():
            yield
            return
        over = threading.Event()
        thread = threading.Thread(target=self._tick, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._stream.write(CLEAR)
            self._stream.flush()

    def _tick(self, over: threading.Event) -> None:
        while not over.wait(1.0):
            self.say(self._what)

    def line(self, what: str, *, columns: int = 79) -> str:
        """The line of a terminal, no longer than it is wide."""
        filled = "█" * int(WIDTH * self._share())
        return f"{filled:░<{WIDTH}} {duration(self.left):>6} left  {what}"[:columns]

    def _share(self) -> float:
        return min(1.0, self.spent / self.planned) if self.planned > 0 else 1.0


def duration(seconds: float) -> str:
    """Write `45 s`, or `12 min`."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"  # noqa: PLR2004

"""The event loop: how late it is, what its thread computes, and the line that holds it up.

The loop guard of the project reports a call that lasts too long by itself. Under load it is many
calls of one line, each short, that hold the loop together; so here lines are counted, not calls.
"""

import asyncio
import os
import sys
import threading
from time import thread_time
from types import FrameType

from project.web.loop_guard import HOME, LIBRARIES, frames_of

BEAT = 0.04
"""Seconds between two beats; how late one came is the loop's lag. uvloop counts milliseconds."""

HELD = 0.05
"""Seconds that a beat has to be late before anybody looks who holds the loop."""

INSIDE = frozenset({"_run", "_run_once"})
"""What asyncio's own loop calls between the one that runs it and a callback."""


class LoopWatch:
    """Watches one loop. `start` and `stop` are called on it, `look` and `take_…` elsewhere."""

    def __init__(self) -> None:
        self.cpu = 0.0
        self._lags: list[float] = []
        self._held: dict[str, list[float]] = {}
        self._last: FrameType | None = None
        self._runner: FrameType | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.cpu = thread_time()
        self._wait_for_beat()

    def stop(self) -> None:
        self._timer.cancel()

    def look(self, elapsed: float) -> None:
        """Hold the time since the last look against whoever keeps the loop from its beat."""
        if self._loop.time() - self._due < HELD:
            self._last = None
            return
        culprit = self._culprit()
        if culprit is not None:
            entry = self._held.setdefault(describe(culprit), [0.0, 0])
            entry[0] += elapsed
            entry[1] += culprit is not self._last
        self._last = culprit  # kept, so that a new frame cannot take its identity

    def take_lags(self) -> list[float]:
        """Return how late the beats since the last time were; without any, how late the next is."""
        taken, self._lags = self._lags, []
        return taken or [max(0.0, self._loop.time() - self._due)]

    def take_held(self) -> list[tuple[str, float, int]]:
        """Return the lines that held the loop since the last time: seconds, and calls seen."""
        taken, self._held = self._held, {}
        return [(where, seconds, int(times)) for where, (seconds, times) in taken.items()]

    def _wait_for_beat(self) -> None:
        self._due = self._loop.time() + BEAT
        self._timer = self._loop.call_at(self._due, self._beat)

    def _beat(self) -> None:
        self._lags.append(max(0.0, self._loop.time() - self._due))
        self.cpu = thread_time()
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - its documented name
        while frame is not None and frame.f_code.co_name in INSIDE:
            frame = frame.f_back
        self._runner = frame
        self._wait_for_beat()

    def _culprit(self) -> FrameType | None:
        """Return the innermost call of the tree's own code in the callback that runs now.

        Where there is none, the innermost of a library; None if the loop is idle.
        """
        frames = frames_of(self._thread)
        if self._runner not in frames:
            return None
        callback = frames[: frames.index(self._runner)]
        return next(filter(is_own, callback), callback[0] if callback else None)


def is_own(frame: FrameType) -> bool:
    """Whether it is code of the tree that is served, not a library's."""
    name = frame.f_code.co_filename
    return name.startswith(HOME) and not any(part in name for part in LIBRARIES)


def describe(frame: FrameType) -> str:
    """Name a line: `apps/items/api/v1.py:51 read_item`."""
    name = frame.f_code.co_filename.removeprefix(HOME).rpartition("site-packages")[2]
    return f"{name.lstrip(os.sep)}:{frame.f_lineno} {frame.f_code.co_name}"

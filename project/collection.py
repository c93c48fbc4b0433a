"""Garbage collection while modules are imported, and when a command has ended.

Imports make hundreds of thousands of objects and hardly any garbage; looking for it all the while
takes a tenth of a command's time. Looking through all of them when the process ends, as Python
does, takes as much again.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

MANY = 500_000
"""New objects between two looks: more than the application has. Python's own number is 700, or
2000."""

_usual = [gc.get_threshold()]
"""The thresholds from before the last `collect_rarely`."""

_NEVER = 1_000_000
_lock = Lock()
_sparing: list[tuple[int, int, int]] = []
"""The thresholds to come back to, once for each piece of work that has them raised."""


def collect_rarely() -> None:
    """Put up with garbage: this process imports, and most likely ends before there is any."""
    if gc.get_threshold()[0] != MANY:
        _usual[:] = [gc.get_threshold()]
    gc.set_threshold(MANY, *_usual[0][1:])


def collect_as_usual() -> None:
    """Look as often as Python does: this process has been loaded and goes on to serve."""
    gc.set_threshold(*_usual[0])


@contextmanager
def sparing_the_old() -> Iterator[None]:
    """Look at young objects alone, while some seconds of work hold very many at a time.

    Looking through all of them takes a tenth of a second again and again, in which no other thread
    does anything. What is garbage among the old ones waits until the work is done.
    """
    with _lock:
        _sparing.append(gc.get_threshold())
        gc.set_threshold(*_sparing[0][:2], _NEVER)
    try:
        yield
    finally:
        with _lock:
            usual = _sparing[0]
            _sparing.pop()
            if not _sparing:
                gc.set_threshold(*usual)


def collect_no_more() -> None:
    """Leave everything to the end of the process, which is near, and gives all memory back."""
    gc.freeze()

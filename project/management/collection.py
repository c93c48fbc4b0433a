"""Garbage collection while modules are imported.

Imports make hundreds of thousands of objects and hardly any garbage; looking for it all the while
takes a tenth of a command's time.
"""

import gc

MANY = 100_000
"""New objects between two looks; Python's own number is 700, or 2000."""

_USUAL = gc.get_threshold()


def collect_rarely() -> None:
    """Put up with garbage: this process imports, and most likely ends before there is any."""
    gc.set_threshold(MANY, *_USUAL[1:])


def collect_as_usual() -> None:
    """Look as often as Python does: this process has been loaded and goes on to serve."""
    gc.set_threshold(*_USUAL)

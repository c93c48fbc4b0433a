"""Garbage collection while modules are imported, and when a command has ended.

Imports make hundreds of thousands of objects and hardly any garbage; looking for it all the while
takes a tenth of a command's time. Looking through all of them when the process ends, as Python
does, takes as much again.
"""

import gc

MANY = 500_000
"""New objects between two looks: more than the application has. Python's own number is 700, or
2000."""

_USUAL = gc.get_threshold()


def collect_rarely() -> None:
    """Put up with garbage: this process imports, and most likely ends before there is any."""
    gc.set_threshold(MANY, *_USUAL[1:])


def collect_as_usual() -> None:
    """Look as often as Python does: this process has been loaded and goes on to serve."""
    gc.set_threshold(*_USUAL)


def collect_no_more() -> None:
    """Leave everything to the end of the process, which is near, and gives all memory back."""
    gc.freeze()

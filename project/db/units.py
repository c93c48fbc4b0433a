"""One unit of work at a time: whoever has a session does not open another one beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from project.errors import ProjectError


class SecondSession(ProjectError):
    """Something that has a session opened another one; a bug, not a client's mistake.

    It would hold two connections at once: as many of them as the pool has connections would
    wait for each other for ever. Nor would the two see each other's changes.
    """

    def __init__(self) -> None:
        super().__init__(
            "There is a session already: pass it on instead of opening a second one beside it."
        )


class _Unit:
    """A unit of work. A task that was begun in it may outlive it, and then have its own."""

    is_open = True


_current: ContextVar[_Unit | None] = ContextVar("unit_of_work", default=None)


def is_at_work() -> bool:
    """Whether this thread or task is inside a unit of work."""
    unit = _current.get()
    return unit is not None and unit.is_open


@contextmanager
def only_one() -> Iterator[None]:
    """Mark a unit of work. Raises SecondSession inside another one."""
    if is_at_work():
        raise SecondSession
    unit = _Unit()
    _current.set(unit)
    try:
        yield
    finally:
        unit.is_open = False

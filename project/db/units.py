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


@contextmanager
def only_one() -> Iterator[None]:
    """Mark a unit of work. Raises SecondSession inside another one."""
    outer = _current.get()
    if outer is not None and outer.is_open:
        raise SecondSession
    unit = _Unit()
    _current.set(unit)
    try:
        yield
    finally:
        unit.is_open = False

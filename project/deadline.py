"""The moment by which a request has to have its answer, known wherever it is worked on."""

from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic

from project.errors import Unavailable


@dataclass
class Deadline:
    """On the clock `time.monotonic`; `end` is None once the answer has begun.

    An object, because the tasks of a request share it: they have copies of its context.
    """

    end: float | None


current_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
"""None outside requests, and for commands."""


class RequestTimeout(Unavailable):
    """The request took longer than REQUEST_TIMEOUT allows."""

    code = "request_timeout"
    title = "This took too long; try again"


def require_time() -> None:
    """Raise RequestTimeout if the answer would come too late: nobody waits for it any more.

    A thread cannot be stopped, so the work itself asks before it makes something last.
    """
    deadline = current_deadline.get()
    if deadline is not None and deadline.end is not None and monotonic() >= deadline.end:
        raise RequestTimeout

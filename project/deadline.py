"""The moment by which a request has to have its answer, known wherever it is worked on."""

from contextvars import ContextVar
from time import monotonic

from project.errors import Unavailable

ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)
"""On the clock `time.monotonic`; None outside requests, and for commands."""


class RequestTimeout(Unavailable):
    """The request took longer than REQUEST_TIMEOUT allows."""

    code = "request_timeout"
    title = "This took too long; try again"


def require_time() -> None:
    """Raise RequestTimeout if the answer would come too late: nobody waits for it any more.

    A thread cannot be stopped, so the work itself asks before it makes something last.
    """
    end = ends_at.get()
    if end is not None and monotonic() >= end:
        raise RequestTimeout

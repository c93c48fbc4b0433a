"""How often the database said no, by its own codes, in this process."""

import threading

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

UNKNOWN = "none"
"""The server gave no code: it was not reached, or went away."""

_counts: dict[str, int] = {}
_turn = threading.Lock()


def count_errors(engine: Engine) -> None:
    """Count what goes wrong with an engine's statements and connections from now on."""
    event.listen(engine, "handle_error", _count)


def errors_by_sqlstate() -> dict[str, int]:
    """Return how many errors there were since the process began."""
    with _turn:
        return dict(_counts)


def _count(context: ExceptionContext) -> None:
    sqlstate = getattr(context.original_exception, "sqlstate", None) or UNKNOWN
    with _turn:
        _counts[sqlstate] = _counts.get(sqlstate, 0) + 1

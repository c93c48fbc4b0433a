"""Places in PostgreSQL's log of changes: how far somebody has written, how far a replica is.

A position is the number of bytes before it; the server writes it as `0/16EE240`.
"""

from contextvars import ContextVar

EVERYTHING = 2**64 - 1
"""Behind all that will ever be written: for a commit of which nobody could say where it is."""


def parse_position(text: str) -> int:
    """Read what the server writes."""
    high, _, low = text.partition("/")
    return int(high, 16) << 32 | int(low, 16)


class Written:
    """How far one request has written: None as long as it has committed nothing."""

    def __init__(self) -> None:
        self.position: int | None = None

    def note(self, position: int) -> None:
        self.position = max(position, self.position or 0)


current_writes: ContextVar[Written | None] = ContextVar("current_writes", default=None)
"""Of the request at work, where there is a replica; None anywhere else, and nobody asks."""

AFTER_COMMIT = "SELECT pg_current_wal_insert_lsn()::text"
"""Where the log ends, which is behind a commit that has just been made."""

"""A circuit breaker: what has just failed is left alone for a while, then tried by one request."""

from time import monotonic

THRESHOLD = 3
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


class Breaker:
    """Opens after THRESHOLD failures in a row, or at once. Used on the event loop alone.

    Open, it lets one request through after 1, 2, 4 … 30 seconds; the first that succeeds closes
    it for all.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._open_until: float | None = None
        self._pause = FIRST_PAUSE

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def lets_through(self) -> bool:
        """Whether this request may try; the one that tries while it is open is alone."""
        if self._open_until is None:
            return True
        if monotonic() < self._open_until:
            return False
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._open_until = monotonic() + self._pause
        return True

    def succeed(self) -> None:
        self._failures, self._open_until, self._pause = 0, None, FIRST_PAUSE

    def fail(self, *, is_certain: bool) -> None:
        """Count a failure; a certain one, a broken connection say, opens it at once."""
        self._failures += 1
        if self._open_until is None and (is_certain or self._failures >= THRESHOLD):
            self._open_until = monotonic() + self._pause

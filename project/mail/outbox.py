"""Mail that waits for its turn.

Whoever posts goes on at once: a mail server may take seconds, or be away for a while. One
thread sends, so a server that hangs holds up mail and nothing else. What was not taken is tried
again, later each time. The outbox lives in memory: what a process has not sent when it is
killed is lost, and the log does not know of it.
"""

import heapq
import threading
import time
from contextvars import Context
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count

from loguru import logger
from sqlalchemy.orm import Session

from project.db.commit import on_commit
from project.logging import log_context
from project.mail.mailers import Mailer
from project.mail.message import MailNotSent, Message, masked

RETRY_AFTER = (2.0, 15.0, 60.0)
"""Seconds until the second attempt, the third, the fourth."""

SIZE = 1000
FAREWELL = 5.0


@dataclass(order=True, frozen=True)
class _Letter:
    due: float
    number: int
    message: Message = field(compare=False)
    attempts: int = field(default=0, compare=False)
    context: Context = field(default_factory=log_context, compare=False)
    """Of the request that posted it: what goes wrong is logged with its id."""


class Outbox:
    """Sends in a thread of its own what is posted; starts when there is something to send."""

    def __init__(
        self, mailer: Mailer, *, retry_after: tuple[float, ...] = RETRY_AFTER, size: int = SIZE
    ) -> None:
        self._mailer = mailer
        self._retry_after = retry_after
        self._size = size
        self._waiting: list[_Letter] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._sending: Message | None = None
        self._is_closing = False

    def post(self, message: Message) -> None:
        """Send it soon. It neither blocks nor fails: what goes wrong is in the log."""
        with self._changed:
            if len(self._waiting) >= self._size:
                _give_up(message, f"{self._size} others wait already")
                return
            heapq.heappush(self._waiting, _Letter(time.monotonic(), next(self._numbers), message))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="mail", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left to be sent; tell whether it came to that."""
        with self._changed:
            return self._changed.wait_for(self._is_empty, seconds)

    def close(self, seconds: float = FAREWELL) -> None:
        """Try everything once more, at once; what is not sent in time is named in the log.

        The thread may still be at a mail then: it tries no other one again, and ends after it.
        """
        with self._changed:
            thread = self._thread
            self._is_closing = thread is not None
            self._changed.notify_all()
        if thread is not None:
            thread.join(seconds)
        with self._changed:
            if self._sending is not None:
                readers = _readers(self._sending)
                logger.error("A mail to {} may not have been sent: the process ends", readers)
            for letter in self._waiting:
                letter.context.run(_give_up, letter.message, "the process ends")
            self._waiting.clear()

    def _is_empty(self) -> bool:
        return not self._waiting and self._sending is None

    def _work(self) -> None:
        while (letter := self._next()) is not None:
            again = letter.context.run(self._try, letter)
            with self._changed:
                if again is not None:
                    heapq.heappush(self._waiting, again)
                self._sending = None
                self._changed.notify_all()

    def _next(self) -> _Letter | None:
        """Wait for the next letter that is due; None when it is time to end.

        The thread itself says that it is gone: a letter posted later gets a new one.
        """
        with self._changed:
            while not self._is_due():
                if self._is_closing:
                    self._thread, self._is_closing = None, False
                    return None
                left = self._waiting[0].due - time.monotonic() if self._waiting else None
                self._changed.wait(left)
            letter = heapq.heappop(self._waiting)
            self._sending = letter.message
            return letter

    def _is_due(self) -> bool:
        if not self._waiting:
            return False
        return self._is_closing or self._waiting[0].due <= time.monotonic()

    def _try(self, letter: _Letter) -> _Letter | None:
        """Send it; return the letter as it is to be tried again, if it is."""
        attempts, message = letter.attempts + 1, letter.message
        try:
            self._mailer.send(message)
        except Exception as error:  # noqa: BLE001 - the thread outlives whatever a mailer does
            reason = _without_addresses(str(error), message)
            is_final = not isinstance(error, MailNotSent) or error.is_final or self._is_closing
            if is_final or attempts > len(self._retry_after):
                _give_up(message, f"{reason} (attempt {attempts})")
                return None
            delay = self._retry_after[attempts - 1]
            logger.warning("A mail to {} waits {:g} s: {}", _readers(message), delay, reason)
            return replace(letter, due=time.monotonic() + delay, attempts=attempts)
        return None


def send_after_commit(session: Session, outbox: Outbox, message: Message) -> None:
    """Post the mail once the transaction has been committed; never, if it is rolled back."""
    on_commit(session, partial(outbox.post, message))


def _give_up(message: Message, reason: str) -> None:
    logger.error("A mail to {} was not sent: {}", _readers(message), reason)


def _readers(message: Message) -> str:
    return ", ".join(map(masked, message.recipients))


def _without_addresses(reason: str, message: Message) -> str:
    for address in message.recipients:
        reason = reason.replace(address, masked(address))
    return reason

"""What follows a commit: work that must not happen if the transaction comes to nothing."""

from collections.abc import Callable

from loguru import logger
from sqlalchemy.orm import Session

ON_COMMIT = "on_commit"


def on_commit(session: Session, work: Callable[[], object]) -> None:
    """Call `work` once the transaction has been committed; never, if it is rolled back.

    It runs in a thread and without a connection. If it fails, that is logged: what was asked
    for has been done and saved.
    """
    session.info.setdefault(ON_COMMIT, []).append(work)


def follow_up(session: Session) -> None:
    """Do what `on_commit` was told, in the order in which it was told."""
    for work in session.info.pop(ON_COMMIT, ()):
        try:
            work()
        except Exception:  # noqa: BLE001 - any failure comes too late to change the answer
            logger.exception("What had to follow a commit failed")

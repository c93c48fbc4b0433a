from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from project.logging import request_id
from project.runtime import Runtime
from project.tasks import GiveUp, Retry, task

GATE = 4711
"""An advisory lock: who holds it exclusively holds up every job of `wait`."""


def leave(session: Session, what: str) -> None:
    session.execute(text("INSERT INTO lab_effect (what) VALUES (:what)"), {"what": what})


@task(queue="notes")
def note(session: Session, runtime: Runtime, what: str) -> None:
    """Leave what is said, who asked for it, and where."""
    leave(session, f"{what} {request_id.get()} {runtime.settings.environment}")


@task()
def wait(session: Session, what: str) -> None:
    """Leave what is said, once the gate opens."""
    leave(session, what)
    session.execute(text("SET LOCAL lock_timeout = 0"))
    session.execute(text("SELECT pg_advisory_xact_lock_shared(:gate)"), {"gate": GATE})


@task(retry=Retry(times=2, wait=0.2, factor=2.0))
def fail(session: Session, what: str) -> None:
    """Leave what is said, and fail."""
    leave(session, what)
    raise ValueError("in vain")


@task(retry=5)
def surrender(session: Session, what: str) -> None:
    """Leave what is said, and see no sense in trying again."""
    leave(session, what)
    raise GiveUp("It will not go better.")


@task(cron="* * * * *")
def tick(session: Session) -> None:
    """Leave a tick."""
    leave(session, "tick")


@task(keep=False)
def pay(session: Session, amount: Decimal, due: datetime, note: str | None = None) -> None:
    """Leave what an amount, a time and a note have become on their way."""
    leave(session, f"{amount!r} {due.isoformat()} {note}")

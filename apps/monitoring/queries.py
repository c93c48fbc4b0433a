from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from apps.monitoring.models import Worker


def list_workers(session: Session, *, silent_for: timedelta) -> list[Worker]:
    """Load the workers that gave a sign of life within this time, in a steady order."""
    alive = Worker.seen_at > func.now() - silent_for
    ordered = select(Worker).where(alive).order_by(Worker.host, Worker.started_at, Worker.pid)
    return list(session.scalars(ordered))

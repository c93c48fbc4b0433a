"""Writing the history of changes, and taking away what is old."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, delete, func, insert, select, text
from sqlalchemy.orm import Session

from apps.audit.models import LABEL_LENGTH, Change
from project.trail import Entry

PERMIT_DELETION = text("SELECT set_config('audit.may_delete', 'on', true)")
"""Until the transaction ends, the trigger lets rows be deleted. It never lets them be changed."""


def record_entries(session: Session, *, entries: Sequence[Entry]) -> None:
    """Write entries with one statement."""
    rows = [
        {
            **vars(entry),
            "actor_label": entry.actor_label[:LABEL_LENGTH],
            "object_label": entry.object_label[:LABEL_LENGTH],
        }
        for entry in entries
    ]
    if rows:
        session.execute(insert(Change), rows)


def purge_changes(session: Session, *, older_than: timedelta, limit: int) -> int:
    """Delete the oldest changes if they are older than that; return how many.

    The caller's transaction should do nothing else: until it ends, the table is not closed.
    """
    session.execute(PERMIT_DELETION)
    oldest = select(Change.id, Change.created_at).order_by(Change.id).limit(limit).subquery()
    old = select(oldest.c.id).where(oldest.c.created_at < func.now() - older_than)
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(Change).where(Change.id.in_(old)).execution_options(synchronize_session=False)
    )
    return result.rowcount

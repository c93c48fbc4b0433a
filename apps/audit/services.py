"""Writing the history of changes, and taking away what is old."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, bindparam, column, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from apps.audit.models import LABEL_LENGTH, Change
from project.trail import Entry

PERMIT_DELETION = text("SELECT set_config('audit.may_delete', 'on', true)")
"""Until the transaction ends, the trigger lets rows be deleted. It never lets them be changed."""


_WRITTEN = [Change.__table__.columns[field.name] for field in fields(Entry)]
_RECORDS = (
    func.jsonb_to_recordset(bindparam("entries", type_=JSONB))
    .table_valued(*[column(known.name, known.type) for known in _WRITTEN])
    .render_derived(with_types=True)
)
INSERTION = insert(Change.__table__).from_select(_WRITTEN, select(*_RECORDS.columns))  # type: ignore[arg-type]  # declared as a FromClause
"""Takes hundreds of entries as one value: sent one by one they took a quarter of an import."""


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
        session.execute(INSERTION, {"entries": rows})


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

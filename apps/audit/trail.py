"""This app keeps the history of changes: it answers for `project.trail.Trail`."""

from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from apps.audit import queries, services
from apps.audit.models import Change
from project.trail import Entry, Recorded


class ChangeTrail:
    """Entries as rows of a table that nothing is changed in."""

    def record(self, session: Session, entries: Sequence[Entry]) -> None:
        services.record_entries(session, entries=entries)

    def history_of(
        self, session: Session, model: str, object_id: str, *, before: int | None, limit: int
    ) -> Sequence[Recorded]:
        rows = queries.list_history(
            session, model=model, object_id=object_id, before=before, limit=limit
        )
        return [_recorded(row) for row in rows]

    def written_with(
        self, session: Session, model: str, object_id: str, *, version: str
    ) -> Recorded | None:
        row = queries.find_change(session, model=model, object_id=object_id, version=version)
        return None if row is None else _recorded(row)

    def recent(
        self, session: Session, *, models: Collection[str], actor_id: int | None, limit: int
    ) -> Sequence[Recorded]:
        rows = queries.list_recent(session, models=models, actor_id=actor_id, limit=limit)
        return [_recorded(row) for row in rows]


def _recorded(row: Change) -> Recorded:
    entry = Entry(
        actor_id=row.actor_id,
        actor_label=row.actor_label,
        action=row.action,
        model=row.model,
        object_id=row.object_id,
        object_label=row.object_label,
        changes=row.changes,
        request_id=row.request_id,
        address=row.address,
    )
    return Recorded(row.id, row.created_at, entry)


trail = ChangeTrail()

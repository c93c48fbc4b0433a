"""Reading the history of changes."""

from collections.abc import Collection, Sequence

from sqlalchemy import String, cast, literal_column, select
from sqlalchemy.orm import Session

from apps.audit.models import Change

_written_by = cast(literal_column(f"{Change.__tablename__}.xmin"), String)
"""The transaction that wrote the entry, which wrote the row's version, too."""


def list_history(
    session: Session, *, model: str, object_id: str, before: int | None, limit: int
) -> Sequence[Change]:
    """Return the changes of one row, newest first, older than the one called `before`."""
    statement = select(Change).where(Change.model == model, Change.object_id == object_id)
    if before is not None:
        statement = statement.where(Change.id < before)
    return session.scalars(statement.order_by(Change.id.desc()).limit(limit)).all()


def find_change(session: Session, *, model: str, object_id: str, version: str) -> Change | None:
    """Find the newest change of a row that was written together with this version of it."""
    statement = select(Change).where(
        Change.model == model, Change.object_id == object_id, _written_by == version
    )
    return session.scalars(statement.order_by(Change.id.desc()).limit(1)).one_or_none()


def list_recent(
    session: Session, *, models: Collection[str], actor_id: int | None, limit: int
) -> Sequence[Change]:
    """Return the newest changes of rows of these models, by everybody or by one account."""
    statement = select(Change).where(Change.model.in_(models))
    if actor_id is not None:
        statement = statement.where(Change.actor_id == actor_id)
    return session.scalars(statement.order_by(Change.id.desc()).limit(limit)).all()

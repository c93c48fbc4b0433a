"""An account's sign-ins, on the API and in browsers: seen, ended, cleared away."""

import uuid
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from apps.users.errors import SessionNotFound
from apps.users.models import AuthSession
from project.db.keyset import Order, Slice, fetch_page

NEWEST_FIRST = Order("newest", (AuthSession.created_at, AuthSession.id), descending=True)

KEPT = timedelta(days=1)
"""How long a session that is over is kept: if its refresh token comes back, the log says so."""


def list_sessions(
    session: Session, *, user_id: int, limit: int, cursor: str | None
) -> Slice[AuthSession]:
    """Return a page of the sessions that are neither revoked nor over, newest first."""
    statement = select(AuthSession).where(
        AuthSession.user_id == user_id,
        AuthSession.revoked_at.is_(None),
        AuthSession.expires_at > func.now(),
    )
    return fetch_page(session, statement, NEWEST_FIRST, limit=limit, cursor=cursor)


def end_session(session: Session, *, user_id: int, session_id: uuid.UUID) -> None:
    """End one of an account's sessions. Raises SessionNotFound, for those of others as well."""
    ended = session.scalar(
        update(AuthSession)
        .where(
            AuthSession.id == session_id,
            AuthSession.user_id == user_id,
            AuthSession.revoked_at.is_(None),
            AuthSession.expires_at > func.now(),
        )
        .values(revoked_at=func.now())
        .returning(AuthSession.id)
    )
    if ended is None:
        raise SessionNotFound


def end_sessions(session: Session, *, user_id: int, keep: uuid.UUID | None = None) -> None:
    """End all sessions of an account, but for the one to keep."""
    statement = update(AuthSession).where(
        AuthSession.user_id == user_id, AuthSession.revoked_at.is_(None)
    )
    if keep is not None:
        statement = statement.where(AuthSession.id != keep)
    session.execute(statement.values(revoked_at=func.now()))


def purge_sessions(session: Session, *which: ColumnElement[bool], limit: int) -> int:
    """Delete sessions that are long over, with their refresh tokens; return how many.

    No more than `limit`, and none that somebody else is busy with.
    """
    long_ago = func.now() - KEPT
    # A CTE, because a plan may run a subquery more than once, and each time find as many more.
    over = (
        select(AuthSession.id)
        .where(or_(AuthSession.expires_at < long_ago, AuthSession.revoked_at < long_ago), *which)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte()
    )
    chosen = AuthSession.id.in_(select(over.c.id))
    statement = delete(AuthSession).where(chosen).returning(AuthSession.id)
    return len(session.scalars(statement.execution_options(synchronize_session=False)).all())

"""Changing how somebody signs in."""

import uuid

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from apps.users.mail_tokens import forget_tokens
from apps.users.models import AuthSession, User


def set_password(
    session: Session, *, user: User, password_hash: str, kept_session: uuid.UUID | None = None
) -> None:
    """Give an account another password, and end every session that the old one began.

    `kept_session` goes on: that of whoever changes the password. Links that were mailed before are
    worth nothing any more.
    """
    user.password_hash = password_hash
    end_sessions(session, user_id=user.id, kept_session=kept_session)
    forget_tokens(session, user_id=user.id)
    session.flush()  # all or nothing


def end_sessions(session: Session, *, user_id: int, kept_session: uuid.UUID | None = None) -> None:
    """Revoke all sessions of an account, but for one."""
    statement = update(AuthSession).where(
        AuthSession.user_id == user_id, AuthSession.revoked_at.is_(None)
    )
    if kept_session is not None:
        statement = statement.where(AuthSession.id != kept_session)
    session.execute(statement.values(revoked_at=func.now()))


def replace_hash(session: Session, *, user_id: int, old: str | None, new: str) -> bool:
    """Keep the same password under another hash, unless it was changed; tell whether."""
    statement = update(User).where(User.id == user_id, User.password_hash == old)
    replaced = session.scalar(statement.values(password_hash=new).returning(User.id))
    return replaced is not None

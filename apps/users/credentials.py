"""Changing how somebody signs in."""

import uuid

from sqlalchemy import update
from sqlalchemy.orm import Session

from apps.users.mail_tokens import forget_tokens
from apps.users.models import User
from apps.users.sign_ins import end_sessions


def set_password(
    session: Session, *, user: User, password_hash: str, kept_session: uuid.UUID | None = None
) -> None:
    """Give an account another password, and end every session that the old one began.

    `kept_session` goes on: that of whoever changes the password. Links that were mailed before are
    worth nothing any more.
    """
    user.password_hash = password_hash
    end_sessions(session, user_id=user.id, keep=kept_session)
    forget_tokens(session, user_id=user.id)
    session.flush()  # all or nothing


def replace_hash(session: Session, *, user_id: int, old: str | None, new: str) -> bool:
    """Keep the same password under another hash, unless it was changed; tell whether."""
    statement = update(User).where(User.id == user_id, User.password_hash == old)
    replaced = session.scalar(statement.values(password_hash=new).returning(User.id))
    return replaced is not None

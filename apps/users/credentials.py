"""Changing how somebody signs in."""

import uuid

from sqlalchemy import update
from sqlalchemy.orm import Session

from apps.users.api_keys import revoke_keys
from apps.users.mail_tokens import forget_tokens
from apps.users.models import User
from apps.users.sign_ins import end_sessions


def set_password(
    session: Session, *, user: User, password_hash: str, kept_session: uuid.UUID | None = None
) -> None:
    """Give an account another password, and end all access that the old one gave.

    `kept_session` goes on: that of whoever changes the password.
    """
    user.password_hash = password_hash
    session.flush()  # the account before what belongs to it
    end_access(session, user_id=user.id, kept_session=kept_session)


def end_access(session: Session, *, user_id: int, kept_session: uuid.UUID | None = None) -> None:
    """End an account's sessions, but for the one to keep, its mailed links and its API keys.

    Whoever had the account before may have made any of them.
    """
    end_sessions(session, user_id=user_id, keep=kept_session)
    forget_tokens(session, user_id=user_id)
    revoke_keys(session, user_id=user_id)


def replace_hash(session: Session, *, user_id: int, old: str | None, new: str) -> bool:
    """Keep the same password under another hash, unless it was changed; tell whether."""
    statement = update(User).where(User.id == user_id, User.password_hash == old)
    replaced = session.scalar(statement.values(password_hash=new).returning(User.id))
    return replaced is not None

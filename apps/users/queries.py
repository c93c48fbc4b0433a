"""Reads."""

import uuid

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from apps.users.errors import UserNotFound
from apps.users.models import AuthSession, User
from project.db.keyset import Order, Slice, fetch_page

BY_ID = Order("id", (User.id,))


def find_user(session: Session, user_id: int) -> User | None:
    """Return the account with this id, if there is one."""
    return session.get(User, user_id)


def get_user(session: Session, user_id: int) -> User:
    """Return the account with this id. Raises UserNotFound."""
    user = find_user(session, user_id)
    if user is None:
        raise UserNotFound
    return user


def find_user_by_email(session: Session, email: str) -> User | None:
    """Return the account with this address, however it is capitalised."""
    return session.scalar(select(User).where(User.email == email.lower()))


def is_superuser(session: Session, email: str) -> bool:
    """Whether this address belongs to a superuser."""
    user = find_user_by_email(session, email)
    return user is not None and user.is_superuser and user.is_active


# Built once: every authenticated request runs it.
SIGNED_IN_USER = (
    select(User)
    .join(AuthSession, AuthSession.user_id == User.id)
    .where(
        User.id == bindparam("user_id"),
        User.is_active,
        AuthSession.id == bindparam("session_id"),
        AuthSession.revoked_at.is_(None),
        AuthSession.expires_at > func.now(),
    )
)


def find_signed_in_user(session: Session, *, user_id: int, session_id: uuid.UUID) -> User | None:
    """Return the active account of a session that is neither revoked nor over."""
    return session.scalar(SIGNED_IN_USER, {"user_id": user_id, "session_id": session_id})


def list_users(session: Session, *, limit: int, cursor: str | None) -> Slice[User]:
    """Return a page of all accounts, oldest first."""
    return fetch_page(session, select(User), BY_ID, limit=limit, cursor=cursor)

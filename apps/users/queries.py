"""Reads."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from apps.users.errors import UserNotFound
from apps.users.models import AuthSession, User
from apps.users.permissions import USERS, SignedIn
from project.db.days import day_of, start_of
from project.db.keyset import Order, Slice, fetch_page

SESSIONS = AuthSession.__table__

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


def sign_ups_by_day(session: Session, *, since: date) -> dict[date, int]:
    """Count the accounts made on each day (UTC) from this one on."""
    day = day_of(User.created_at)
    statement = (
        select(day.label("day"), func.count().label("accounts"))
        .where(User.created_at >= start_of(since))
        .group_by(day)
    )
    return {found.day: found.accounts for found in session.execute(statement)}


def _select_signed_in(statement: Select[Any]) -> Select[Any]:
    """Narrow to the active account of a session that is neither revoked nor over."""
    return statement.join_from(USERS, SESSIONS, SESSIONS.c.user_id == USERS.c.id).where(
        USERS.c.id == bindparam("user_id"),
        USERS.c.is_active,
        SESSIONS.c.id == bindparam("session_id"),
        SESSIONS.c.revoked_at.is_(None),
        SESSIONS.c.expires_at > func.now(),
    )


# Built once: every authenticated request runs one of them.
SIGNED_IN = _select_signed_in(
    select(
        *(USERS.c.id, USERS.c.email, USERS.c.is_staff, USERS.c.is_superuser),
        USERS.c.has_two_factor,
    )
)
SIGNED_IN_USER = _select_signed_in(select(User))


def find_signed_in(session: Session, *, user_id: int, session_id: uuid.UUID) -> SignedIn | None:
    """Return who is behind a session, as a row; None if it is revoked or over."""
    values = {"user_id": user_id, "session_id": session_id}
    row = session.execute(SIGNED_IN, values).one_or_none()
    return None if row is None else SignedIn(row, session=session)


def find_signed_in_user(session: Session, *, user_id: int, session_id: uuid.UUID) -> User | None:
    """Return the same as an account that can be changed."""
    values = {"user_id": user_id, "session_id": session_id}
    user: User | None = session.scalar(SIGNED_IN_USER, values)
    return user


def list_users(session: Session, *, limit: int, cursor: str | None) -> Slice[User]:
    """Return a page of all accounts, oldest first."""
    return fetch_page(session, select(User), BY_ID, limit=limit, cursor=cursor)

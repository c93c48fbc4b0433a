"""What stands in mailed links: 256 random bits, of which the database keeps the SHA-256."""

import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from apps.users.errors import InvalidLink
from apps.users.models import MailToken, User

PAUSE = timedelta(minutes=1)
"""Sooner than this after the last one no other link is mailed to the same account."""

SWEEP = 100
"""Links past their end that go with each new one."""


class Purpose(StrEnum):
    """What a link is good for; it is good for nothing else."""

    RESET = "reset"
    VERIFY = "verify"
    CHANGE = "change"


def issue_token(
    session: Session,
    *,
    user_id: int,
    purpose: Purpose,
    email: str,
    lifetime: timedelta,
    pause: timedelta = PAUSE,
) -> str | None:
    """Return a new token, which replaces the older one; None if that is younger than `pause`."""
    _sweep(session)
    token = secrets.token_urlsafe(32)
    values = {
        "token_hash": _hash(token),
        "email": email,
        "created_at": func.now(),
        "expires_at": func.now() + lifetime,
    }
    statement = (
        insert(MailToken)
        .values(user_id=user_id, purpose=purpose, **values)
        .on_conflict_do_update(
            index_elements=[MailToken.user_id, MailToken.purpose],
            set_=values,
            where=MailToken.created_at <= func.now() - pause,
        )
        .returning(MailToken.user_id)
    )
    return None if session.scalar(statement) is None else token


def find_owner(session: Session, *, token: str, purpose: Purpose) -> User | None:
    """Return the active account that a link belongs to, while the link is good."""
    user: User | None = session.scalar(
        select(User)
        .join(MailToken, MailToken.user_id == User.id)
        .where(
            MailToken.token_hash == _hash(token),
            MailToken.purpose == purpose,
            MailToken.expires_at > func.now(),
            User.is_active,
            *([] if purpose is Purpose.CHANGE else [MailToken.email == User.email]),
        )
    )
    return user


def use_token(session: Session, *, token: str, purpose: Purpose) -> tuple[User, str]:
    """Return the account, locked, and the address that the link was sent to. It works once.

    One DELETE decides, so of two at the same time one wins. Raises InvalidLink, also where the
    account's address is another one by now.
    """
    user = _lock_owner(session, token)
    used = delete(MailToken).where(
        MailToken.token_hash == _hash(token),
        MailToken.purpose == purpose,
        MailToken.expires_at > func.now(),
    )
    email = session.scalar(used.returning(MailToken.email))
    if user is None or email is None or not user.is_active:
        raise InvalidLink
    if purpose is not Purpose.CHANGE and email != user.email:
        raise InvalidLink
    return user, email


def _lock_owner(session: Session, token: str) -> User | None:
    """Lock the account first and its links then, as a change of password does."""
    owner = select(MailToken.user_id).where(MailToken.token_hash == _hash(token))
    statement = select(User).where(User.id == owner.scalar_subquery())
    user: User | None = session.scalar(
        statement.with_for_update(key_share=True), execution_options={"populate_existing": True}
    )
    return user


def forget_tokens(session: Session, *, user_id: int) -> None:
    """Make every link of an account worthless."""
    session.execute(delete(MailToken).where(MailToken.user_id == user_id))


def _sweep(session: Session) -> None:
    """Delete some of the links past their end; nobody waits for a row that somebody uses."""
    key = tuple_(MailToken.user_id, MailToken.purpose)
    over = (
        select(MailToken.user_id, MailToken.purpose)
        .where(MailToken.expires_at <= func.now())
        .limit(SWEEP)
        .with_for_update(skip_locked=True)
        .cte()  # a plan may run a subquery more than once
    )
    chosen = key.in_(select(over.c.user_id, over.c.purpose))
    session.execute(delete(MailToken).where(chosen).execution_options(synchronize_session=False))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()

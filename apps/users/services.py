"""Writes."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from apps.users.credentials import end_access
from apps.users.errors import (
    EmailNotVerified,
    EmailTaken,
    InvalidToken,
    NotSuperuser,
    WrongCredentials,
)
from apps.users.events import log_event
from apps.users.mail_tokens import forget_tokens
from apps.users.models import AuthSession, RefreshToken, User
from apps.users.passwords import hash_new_password
from apps.users.queries import find_user_by_email
from apps.users.roles import require_another_superuser
from apps.users.sign_ins import purge_sessions
from apps.users.tokens import hash_refresh_token, new_refresh_token
from project.web.client import NOBODY, Client

SWEPT_AT_SIGN_IN = 50
"""Old sessions of the same account that a sign-in clears away."""


class Grant(NamedTuple):
    """What a sign-in or a refresh gives: whom it is for, and the refresh token to hand out."""

    user_id: int
    session_id: uuid.UUID
    refresh_token: str


def create_user(
    session: Session,
    *,
    email: str,
    password_hash: str | None,
    full_name: str | None = None,
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    """Create an account. Raises EmailTaken."""
    user = User(
        email=email.lower(),
        password_hash=password_hash,
        full_name=full_name,
        is_staff=is_staff,
        is_superuser=is_superuser,
    )
    if find_user_by_email(session, email) is not None:
        raise EmailTaken
    try:
        with session.begin_nested():
            session.add(user)
            session.flush()  # user.id, and the answer to a race for the same address
    except IntegrityError as error:
        raise EmailTaken from error
    return user


def ensure_superuser(session: Session, *, email: str, password: str) -> bool:
    """Create an account with every right, unless it is there; tell whether it was created.

    Raises NotSuperuser if the address belongs to an ordinary or a disabled account.
    """
    user = find_user_by_email(session, email)
    if user is not None and not (user.is_superuser and user.is_active):
        raise NotSuperuser
    if user is None:
        password_hash = hash_new_password(password, email=email)
        created = create_user(
            session, email=email, password_hash=password_hash, is_staff=True, is_superuser=True
        )
        created.verified_email = created.email  # whoever runs the site vouches for it
        session.flush()
    return user is None


def change_user(session: Session, *, user: User, changes: Mapping[str, Any]) -> User:
    """Change an account's columns. Raises LastSuperuser.

    What was mailed ends with the address that the account had. All access ends when an account
    is disabled, and again when it is enabled, so that nothing from before comes back. Who may
    change what is asked before: `roles.guard_account`.
    """
    if not (changes.get("is_superuser", True) and changes.get("is_active", True)):
        require_another_superuser(session, than=user)
    was_active, old_email = user.is_active, user.email
    for name, value in changes.items():
        setattr(user, name, value)
    session.flush()  # an address that somebody else has refuses here
    if user.is_active != was_active:
        end_access(session, user_id=user.id)
    elif user.email != old_email:
        forget_tokens(session, user_id=user.id)
    return user


def delete_user(session: Session, *, user: User) -> None:
    """Delete an account with its sessions, keys and grants. Raises LastSuperuser."""
    require_another_superuser(session, than=user)
    session.delete(user)
    session.flush()  # what still refers to it refuses here


def rename_user(session: Session, *, user: User, full_name: str | None) -> User:
    """Change how the account's owner is called."""
    user.full_name = full_name
    session.flush()  # updated_at
    return user


def start_session(
    session: Session,
    *,
    user_id: int,
    lifetime: timedelta,
    verified_hash: str | None = None,
    is_code_verified: bool = False,
    client: Client = NOBODY,
) -> Grant:
    """Begin a session for somebody who has proved who they are.

    `verified_hash` is the hash that the password was compared with. Raises WrongCredentials
    if it has been changed since, the account been disabled, or a second factor been set up
    that nobody has looked at.
    """
    record_sign_in(
        session, user_id=user_id, verified_hash=verified_hash, is_code_verified=is_code_verified
    )
    auth_session = AuthSession(
        user_id=user_id,
        expires_at=func.now() + lifetime,
        seen_at=func.now(),
        client_address=client.address,
        user_agent=client.agent,
    )
    session.add(auth_session)
    session.flush()  # auth_session.id
    return _grant(session, user_id, auth_session.id)


def record_sign_in(
    session: Session, *, user_id: int, verified_hash: str | None, is_code_verified: bool = False
) -> None:
    """Note the sign-in, and lock the account against a change of its factors meanwhile."""
    statement = update(User).where(User.id == user_id, User.is_active)
    if verified_hash is not None:
        statement = statement.where(User.password_hash == verified_hash)
    if not is_code_verified:
        statement = statement.where(~User.has_two_factor)
    noted = session.scalar(statement.values(last_login_at=func.now()).returning(User.id))
    if noted is None:
        raise WrongCredentials
    purge_sessions(session, AuthSession.user_id == user_id, limit=SWEPT_AT_SIGN_IN)


def rotate_refresh_token(
    session: Session,
    *,
    token: str,
    arrived: float,
    client: Client = NOBODY,
    must_be_verified: bool = False,
) -> Grant | None:
    """Exchange a refresh token for the next one; None if it is worth nothing.

    Each token works once, decided by one UPDATE, so of parallel requests one wins. A token
    that comes back after it was used has been stolen, or its successor was: the whole
    session is revoked. `arrived` is when this request came, by `time.monotonic()`: a token
    used since then lost a race and proves no theft. The caller commits, then refuses on None.

    Raises EmailNotVerified, which leaves the token as good as it was, if the address has to be
    confirmed and is not.
    """
    token_hash = hash_refresh_token(token)
    session_id = session.scalar(
        update(RefreshToken)
        .where(RefreshToken.token_hash == token_hash, RefreshToken.used_at.is_(None))
        .values(used_at=func.clock_timestamp())
        .returning(RefreshToken.session_id)
    )
    if session_id is None:
        _revoke_if_stolen(session, token_hash, arrived, client)
        return None
    user = session.scalar(
        select(User)
        .join(AuthSession, User.id == AuthSession.user_id)
        .where(
            AuthSession.id == session_id,
            AuthSession.revoked_at.is_(None),
            AuthSession.expires_at > func.now(),
            User.is_active,
        )
    )
    if user is None:
        return None
    if must_be_verified and not user.is_verified:
        raise EmailNotVerified
    session.execute(
        update(AuthSession)
        .where(AuthSession.id == session_id)
        .values(seen_at=func.now(), client_address=client.address, user_agent=client.agent)
    )
    return _grant(session, user.id, session_id)


def revoke_session(session: Session, *, session_id: uuid.UUID) -> None:
    """End a session: its access and refresh tokens stop working at once."""
    session.execute(
        update(AuthSession)
        .where(AuthSession.id == session_id, AuthSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )


def sign_out(session: Session, *, token: str) -> None:
    """Revoke the session that a refresh token belongs to. Raises InvalidToken."""
    session_id = session.scalar(
        select(RefreshToken.session_id).where(RefreshToken.token_hash == hash_refresh_token(token))
    )
    if session_id is None:
        raise InvalidToken
    revoke_session(session, session_id=session_id)


def _grant(session: Session, user_id: int, session_id: uuid.UUID) -> Grant:
    token = new_refresh_token()
    session.add(RefreshToken(token_hash=hash_refresh_token(token), session_id=session_id))
    session.flush()  # a grant is handed out only if its token is stored
    return Grant(user_id, session_id, token)


def _revoke_if_stolen(session: Session, token_hash: bytes, arrived: float, client: Client) -> None:
    found = session.execute(
        select(
            AuthSession.id,
            AuthSession.user_id,
            (func.clock_timestamp() - RefreshToken.used_at).label("age"),
        )
        .join(RefreshToken, RefreshToken.session_id == AuthSession.id)
        .where(RefreshToken.token_hash == token_hash, RefreshToken.used_at.is_not(None))
    ).one_or_none()
    # Measured last: what was used since this request came is younger than it is by now, however
    # long it waited for the winner's commit and for this statement.
    waited = timedelta(seconds=monotonic() - arrived)
    if found is not None and found.age > waited:
        log_event(
            "refresh_token_reused",
            "A used refresh token came back; its session is revoked",
            user_id=found.user_id,
            session_id=found.id,
            client=client,
            is_alarming=True,
        )
        revoke_session(session, session_id=found.id)

"""Sessions of browsers: a random cookie, of which the database keeps the SHA-256.

They are rows like every other sign-in, so listing and revoking them is one thing.
"""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from apps.users.models import AuthSession, User
from apps.users.permissions import USERS, SignedIn, held_by
from apps.users.services import record_sign_in
from project.web.client import NOBODY, Client

# A click that comes sooner than this after the last one writes nothing.
SEEN_PRECISION = timedelta(minutes=1)


def start_browser_session(
    session: Session,
    *,
    user_id: int,
    lifetime: timedelta,
    verified_hash: str | None = None,
    is_code_verified: bool = False,
    client: Client = NOBODY,
) -> str:
    """Begin a session and return its cookie's value: 256 random bits, never used before.

    Raises WrongCredentials if the password has been changed since it was compared, or a second
    factor been set up.
    """
    record_sign_in(
        session, user_id=user_id, verified_hash=verified_hash, is_code_verified=is_code_verified
    )
    cookie = secrets.token_urlsafe(32)
    session.add(
        AuthSession(
            user_id=user_id,
            expires_at=func.now() + lifetime,
            cookie_hash=hash_cookie(cookie),
            seen_at=func.now(),
            client_address=client.address,
            user_agent=client.agent,
        )
    )
    session.flush()  # the cookie is handed out only if its session is stored
    return cookie


def find_browser_user(
    session: Session, *, cookie: str, idle: timedelta, is_use: bool = True
) -> SignedIn | None:
    """Return the active account behind a cookie with what it holds; note that it came by."""
    found = session.execute(
        select(
            *(User.id, User.email, User.is_staff, User.is_superuser, User.has_two_factor),
            AuthSession.id.label("session_id"),
            held_by(USERS.c.id).label("held"),
        )
        .join(AuthSession, AuthSession.user_id == User.id)
        .where(
            User.is_active,
            AuthSession.cookie_hash == hash_cookie(cookie),
            AuthSession.revoked_at.is_(None),
            AuthSession.expires_at > func.now(),
            AuthSession.seen_at > func.now() - idle,
        )
    ).one_or_none()
    if found is None:
        return None
    if is_use:
        session.execute(
            update(AuthSession)
            .where(
                AuthSession.id == found.session_id,
                AuthSession.seen_at < func.now() - SEEN_PRECISION,
            )
            .values(seen_at=func.now())
        )
    return SignedIn(found[:5], held=frozenset(found.held))


def end_browser_session(session: Session, *, cookie: str) -> None:
    """Revoke the session behind a cookie, if there is one."""
    session.execute(
        update(AuthSession)
        .where(AuthSession.cookie_hash == hash_cookie(cookie), AuthSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )


def hash_cookie(cookie: str) -> bytes:
    """Return what the database keeps of a cookie."""
    return hashlib.sha256(cookie.encode()).digest()

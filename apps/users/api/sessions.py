"""Where one is signed in."""

import uuid
from datetime import datetime

from apps.users import sign_ins
from apps.users.dependencies import SessionUser, VerifiedClaims
from apps.users.events import log_event
from apps.users.models import AuthSession
from project.web.pagination import DEFAULT_LIMIT, Cursor, Limit, Page
from project.web.route import Router
from project.web.schemas import Schema
from project.web.transaction import DbSession

router = Router(prefix="/auth/sessions", tags=["auth"])


class SessionRead(Schema):
    id: uuid.UUID
    is_current: bool
    is_browser: bool
    """Whether a cookie stands for it (the admin), and not tokens."""

    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    client_address: str | None
    user_agent: str | None
    """What the program called itself; nobody has verified it."""


@router.get("")
def list_sessions(
    session: DbSession,
    user: SessionUser,
    claims: VerifiedClaims,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[SessionRead]:
    """Where the account is signed in, newest first: tokens of the API and browsers in the admin."""
    page = sign_ins.list_sessions(session, user_id=user.id, limit=limit, cursor=cursor)
    return Page(
        items=[_read(row, current=claims["sid"]) for row in page.rows],
        next_cursor=page.next_cursor,
    )


@router.delete("/{session_id}", status_code=204)
def end_session(session: DbSession, user: SessionUser, session_id: uuid.UUID) -> None:
    """End one of one's own sign-ins at once."""
    sign_ins.end_session(session, user_id=user.id, session_id=session_id)
    log_event("session_ended", "A session was ended", user_id=user.id, session_id=session_id)


@router.delete("", status_code=204)
def end_other_sessions(session: DbSession, user: SessionUser, claims: VerifiedClaims) -> None:
    """End all sign-ins but this one at once."""
    sign_ins.end_sessions(session, user_id=user.id, keep=claims["sid"])
    log_event("sessions_ended", "All other sessions were ended", user_id=user.id)


def _read(row: AuthSession, *, current: uuid.UUID) -> SessionRead:
    return SessionRead(
        id=row.id,
        is_current=row.id == current,
        is_browser=row.cookie_hash is not None,
        created_at=row.created_at,
        last_seen_at=row.seen_at or row.created_at,
        expires_at=row.expires_at,
        client_address=row.client_address,
        user_agent=row.user_agent,
    )

"""An account's sign-ins as the admin lists and ends them, from the tables of this app."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.users import sign_ins
from apps.users.browser import hash_cookie
from apps.users.errors import SessionNotFound
from apps.users.models import AuthSession, User
from project.web.sign_ins import SignIn

MOST = 100
"""Sign-ins that a page shows; an account with more ends them all at once."""


class StaffSignIns:
    """Answers the questions of `project.web.sign_ins.SignIns`."""

    account_model: type = User

    def list_sign_ins(
        self, session: Session, account_id: int, *, cookie: str | None, idle: timedelta
    ) -> Sequence[SignIn]:
        page = sign_ins.list_sessions(session, user_id=account_id, limit=MOST, cursor=None)
        forgotten = datetime.now(UTC) - idle
        current = None if cookie is None else hash_cookie(cookie)
        return [
            _describe(row, is_current=current is not None and row.cookie_hash == current)
            for row in page.rows
            if row.cookie_hash is None or (row.seen_at or row.created_at) > forgotten
        ]

    def end_sign_in(self, session: Session, account_id: int, sign_in_id: str) -> None:
        try:
            session_id = uuid.UUID(sign_in_id)
        except ValueError:
            raise SessionNotFound from None
        sign_ins.end_session(session, user_id=account_id, session_id=session_id)

    def end_sign_ins(self, session: Session, account_id: int, *, keep_cookie: str | None) -> None:
        keep = None
        if keep_cookie is not None:
            own = select(AuthSession.id).where(AuthSession.cookie_hash == hash_cookie(keep_cookie))
            keep = session.scalar(own)
        sign_ins.end_sessions(session, user_id=account_id, keep=keep)


def _describe(row: AuthSession, *, is_current: bool) -> SignIn:
    return SignIn(
        id=str(row.id),
        is_browser=row.cookie_hash is not None,
        is_current=is_current,
        created_at=row.created_at,
        last_seen_at=row.seen_at or row.created_at,
        expires_at=row.expires_at,
        address=row.client_address,
        agent=row.user_agent,
    )

"""Changing how somebody signs in."""

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from apps.users.models import AuthSession, User


def set_password(session: Session, *, user: User, password_hash: str) -> None:
    """Give an account another password, and end every session that the old one began."""
    user.password_hash = password_hash
    session.execute(
        update(AuthSession)
        .where(AuthSession.user_id == user.id, AuthSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    session.flush()  # both or neither

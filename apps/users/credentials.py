"""Changing how somebody signs in."""

from sqlalchemy.orm import Session

from apps.users.models import User
from apps.users.sign_ins import end_sessions


def set_password(session: Session, *, user: User, password_hash: str) -> None:
    """Give an account another password, and end every session that the old one began."""
    user.password_hash = password_hash
    end_sessions(session, user_id=user.id)
    session.flush()  # both or neither

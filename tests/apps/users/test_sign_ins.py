"""Clearing away sessions that are over, and the log of those that were stolen."""

from datetime import timedelta
from io import StringIO
from time import monotonic
from typing import Any

import pytest
from loguru import logger
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from apps.users.models import AuthSession, RefreshToken
from apps.users.services import rotate_refresh_token, start_session
from apps.users.sign_ins import KEPT, purge_sessions
from project.web.client import Client
from tests.factories.users import UserFactory

HOUR = timedelta(hours=1)
LONG_AGO = func.now() - KEPT - HOUR


def count(session: Session, model: Any) -> int:
    return session.scalars(select(func.count()).select_from(model)).one()


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({}, 1),
        ({"expires_at": LONG_AGO}, 0),
        ({"revoked_at": LONG_AGO}, 0),
        ({"expires_at": func.now() - HOUR}, 1),
        ({"revoked_at": func.now()}, 1),
    ],
)
def test_purge(session: Session, values: dict[str, Any], left: int) -> None:
    start_session(session, user_id=UserFactory.create().id, lifetime=HOUR)
    if values:
        session.execute(update(AuthSession).values(values))
    assert purge_sessions(session, limit=10) == 1 - left
    assert (count(session, AuthSession), count(session, RefreshToken)) == (left, left)


def test_purge_is_bounded(session: Session) -> None:
    """However PostgreSQL plans it: here each row is compared by a loop of its own."""
    for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"):
        session.execute(text(f"SET LOCAL enable_{way} = off"))
    user = UserFactory.create()
    for _ in range(3):
        start_session(session, user_id=user.id, lifetime=HOUR)
    session.execute(update(AuthSession).values(revoked_at=LONG_AGO))
    assert [purge_sessions(session, limit=2) for _ in range(3)] == [2, 1, 0]


def test_signing_in_clears_away_ones_own(session: Session) -> None:
    ada, bob = UserFactory.create(), UserFactory.create()
    for user in (ada, bob):
        start_session(session, user_id=user.id, lifetime=HOUR)
    session.execute(update(AuthSession).values(revoked_at=LONG_AGO))
    start_session(session, user_id=ada.id, lifetime=HOUR)
    owners = session.scalars(select(AuthSession.user_id).order_by(AuthSession.user_id)).all()
    assert owners == [ada.id, bob.id]


def test_stolen_refresh_token_is_logged(session: Session) -> None:
    user = UserFactory.create()
    grant = start_session(session, user_id=user.id, lifetime=HOUR)
    written = StringIO()
    sink = logger.add(written, format="{level} {extra}", diagnose=False)
    thief = Client("203.0.113.9", "curl")
    for _ in range(2):
        rotate_refresh_token(session, token=grant.refresh_token, arrived=0.0, client=thief)
    session.execute(update(RefreshToken).values(used_at=LONG_AGO))
    rotate_refresh_token(session, token=grant.refresh_token, arrived=monotonic(), client=thief)
    logger.remove(sink)
    log = written.getvalue()
    assert "WARNING" in log
    for part in ("refresh_token_reused", str(user.id), str(grant.session_id), "203.0.113.9"):
        assert part in log
    assert grant.refresh_token not in log
    assert session.get_one(AuthSession, grant.session_id).revoked_at is not None

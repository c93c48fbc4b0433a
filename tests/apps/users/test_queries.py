import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from apps.users import queries
from apps.users.errors import UserNotFound
from apps.users.models import AuthSession
from apps.users.services import Grant, start_session
from tests.factories.users import UserFactory


@pytest.fixture
def grant(session: Session) -> Grant:
    return start_session(session, user_id=UserFactory().id, lifetime=timedelta(days=1))


def is_signed_in(session: Session, grant: Grant) -> bool:
    found = queries.find_signed_in_user(session, user_id=grant.user_id, session_id=grant.session_id)
    return found is not None


def test_find_and_get_user(session: Session) -> None:
    user = UserFactory()
    assert queries.find_user(session, user.id) is user
    assert queries.get_user(session, user.id) is user
    assert queries.find_user(session, user.id + 1) is None
    with pytest.raises(UserNotFound):
        queries.get_user(session, user.id + 1)


def test_find_user_by_email(session: Session) -> None:
    user = UserFactory(email="mixed@example.com")
    assert queries.find_user_by_email(session, "MiXeD@Example.com") is user
    assert queries.find_user_by_email(session, "mixed@example.co") is None
    assert queries.find_user_by_email(session, "%@example.com") is None


def test_is_superuser(session: Session) -> None:
    user, root = UserFactory(staff=True), UserFactory(superuser=True)
    assert queries.is_superuser(session, root.email)
    assert not queries.is_superuser(session, user.email)
    assert not queries.is_superuser(session, "nobody@example.com")


def test_find_signed_in_user(session: Session, grant: Grant) -> None:
    assert is_signed_in(session, grant)
    assert not is_signed_in(session, grant._replace(session_id=uuid.uuid4()))
    assert not is_signed_in(session, grant._replace(user_id=UserFactory().id))


@pytest.mark.parametrize(
    "values",
    [{"revoked_at": func.now()}, {"expires_at": func.now()}],
    ids=["revoked", "over"],
)
def test_find_signed_in_user_too_late(
    session: Session, grant: Grant, values: dict[str, object]
) -> None:
    session.execute(update(AuthSession).values(values))
    assert not is_signed_in(session, grant)


def test_find_signed_in_user_disabled(session: Session, grant: Grant) -> None:
    queries.get_user(session, grant.user_id).is_active = False
    session.flush()
    assert not is_signed_in(session, grant)


def test_list_users(session: Session) -> None:
    users = UserFactory.create_batch(5)
    first = queries.list_users(session, limit=3, cursor=None)
    second = queries.list_users(session, limit=3, cursor=first.next_cursor)
    assert [*first.rows, *second.rows] == users
    assert second.next_cursor is None


def test_list_users_takes_one_statement(session: Session, statements: list[str]) -> None:
    UserFactory.create_batch(5)
    statements.clear()
    queries.list_users(session, limit=3, cursor=None)
    assert len(statements) == 1

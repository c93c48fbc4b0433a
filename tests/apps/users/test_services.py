import uuid
from datetime import timedelta
from time import monotonic

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from apps.users import services
from apps.users.errors import EmailTaken, InvalidToken, NotSuperuser
from apps.users.mail_tokens import Purpose, issue_token
from apps.users.models import ApiKey, AuthSession, MailToken, RefreshToken, User
from apps.users.passwords import verify_password
from tests.factories.users import ApiKeyFactory, UserFactory

LIFETIME = timedelta(days=1)


def test_create_user(session: Session) -> None:
    user = services.create_user(session, email="Test@Example.com", password_hash=None)
    session.expire(user)
    assert (user.email, user.is_active) == ("test@example.com", True)
    assert (user.is_staff, user.is_superuser) == (False, False)


@pytest.mark.parametrize("email", ["taken@example.com", "TAKEN@Example.COM"])
def test_create_user_taken(session: Session, email: str) -> None:
    UserFactory(email="taken@example.com")
    with pytest.raises(EmailTaken):
        services.create_user(session, email=email, password_hash=None)


def test_create_user_taken_leaves_the_transaction_usable(session: Session) -> None:
    UserFactory(email="taken@example.com")
    with pytest.raises(EmailTaken):
        services.create_user(session, email="taken@example.com", password_hash=None)
    services.create_user(session, email="free@example.com", password_hash=None)
    assert session.scalar(select(func.count()).select_from(User)) == 2


def test_the_database_itself_refuses_capitals(session: Session) -> None:
    session.add(User(email="Capital@example.com"))
    with pytest.raises(IntegrityError, match="email_lower"):
        session.flush()


def test_ensure_superuser(session: Session) -> None:
    assert services.ensure_superuser(session, email="root@example.com", password="securepassword")
    user = session.scalars(select(User)).one()
    assert (user.is_superuser, user.is_staff, user.is_active) == (True, True, True)
    assert verify_password("securepassword", user.password_hash)


def test_ensure_superuser_keeps_the_password(session: Session) -> None:
    user = UserFactory(superuser=True)
    before = user.password_hash
    assert not services.ensure_superuser(session, email=user.email.upper(), password="another one")
    assert user.password_hash == before


def test_ensure_superuser_raises_nobody(session: Session) -> None:
    """An address that a stranger registered first does not become an administrator."""
    user = UserFactory(staff=True)
    with pytest.raises(NotSuperuser):
        services.ensure_superuser(session, email=user.email, password="securepassword")
    assert not user.is_superuser


def test_rename_user_is_noted(session: Session) -> None:
    user = UserFactory()
    before = user.updated_at
    session.execute(update(User).values(updated_at=func.now() - LIFETIME))
    session.expire(user)
    services.rename_user(session, user=user, full_name="Ada")
    session.refresh(user)
    assert (user.full_name, user.updated_at >= before) == ("Ada", True)


@pytest.mark.parametrize("is_active", [True, False])
def test_another_state_ends_all_access(session: Session, *, is_active: bool) -> None:
    """Of an account that was disabled by other means, too, nothing comes back."""
    user = UserFactory(is_active=not is_active)
    ApiKeyFactory.token_for(user)
    session.add(AuthSession(user_id=user.id, expires_at=func.now() + LIFETIME))
    issue_token(
        session, user_id=user.id, purpose=Purpose.RESET, email=user.email, lifetime=LIFETIME
    )
    services.change_user(session, user=user, changes={"is_active": is_active})
    session.expire_all()
    assert session.scalars(select(ApiKey)).one().revoked_at is not None
    assert session.scalars(select(AuthSession)).one().revoked_at is not None
    assert session.scalars(select(MailToken)).all() == []


def test_other_changes_end_nothing(session: Session) -> None:
    user = UserFactory()
    ApiKeyFactory.token_for(user)
    services.change_user(session, user=user, changes={"is_active": True, "full_name": "Ada"})
    session.expire_all()
    assert session.scalars(select(ApiKey)).one().revoked_at is None


def test_start_session(session: Session) -> None:
    user = UserFactory()
    grant = services.start_session(session, user_id=user.id, lifetime=LIFETIME)
    stored = session.get_one(AuthSession, grant.session_id)
    assert stored.user_id == user.id
    assert stored.expires_at - stored.created_at == LIFETIME
    assert stored.cookie_hash is None


def test_rotate_refresh_token(session: Session) -> None:
    first = services.start_session(session, user_id=UserFactory().id, lifetime=LIFETIME)
    second = rotate(session, first.refresh_token)
    assert second is not None
    assert second.session_id == first.session_id
    assert second.refresh_token != first.refresh_token
    third = rotate(session, second.refresh_token)
    assert third is not None


def test_rotate_unknown_token(session: Session) -> None:
    assert rotate(session, "unknown") is None


def test_rotate_used_token_revokes(session: Session) -> None:
    grant = services.start_session(session, user_id=UserFactory().id, lifetime=LIFETIME)
    successor = rotate(session, grant.refresh_token)
    # Long ago: what was used while this request was on its way would prove nothing.
    used = update(RefreshToken).where(RefreshToken.used_at.is_not(None))
    session.execute(used.values(used_at=RefreshToken.used_at - timedelta(minutes=1)))
    assert rotate(session, grant.refresh_token) is None
    session.expire_all()
    assert session.get_one(AuthSession, grant.session_id).revoked_at is not None
    assert successor is not None
    assert rotate(session, successor.refresh_token) is None


def test_rotate_token_used_while_under_way(session: Session) -> None:
    """It was not used when this request set out: it lost a race, and nobody is robbed."""
    grant = services.start_session(session, user_id=UserFactory().id, lifetime=LIFETIME)
    arrived = monotonic()
    rotate(session, grant.refresh_token)
    assert (
        services.rotate_refresh_token(session, token=grant.refresh_token, arrived=arrived) is None
    )
    assert session.get_one(AuthSession, grant.session_id).revoked_at is None


def test_sign_out(session: Session) -> None:
    grant = services.start_session(session, user_id=UserFactory().id, lifetime=LIFETIME)
    services.sign_out(session, token=grant.refresh_token)
    assert session.get_one(AuthSession, grant.session_id).revoked_at is not None
    assert rotate(session, grant.refresh_token) is None


def test_sign_out_unknown_token(session: Session) -> None:
    with pytest.raises(InvalidToken):
        services.sign_out(session, token="unknown")


def test_revoke_session_keeps_the_first_moment(session: Session) -> None:
    grant = services.start_session(session, user_id=UserFactory().id, lifetime=LIFETIME)
    session.execute(update(AuthSession).values(revoked_at=func.now() - LIFETIME))
    before = session.get_one(AuthSession, grant.session_id, populate_existing=True).revoked_at
    services.revoke_session(session, session_id=grant.session_id)
    services.revoke_session(session, session_id=uuid.uuid4())
    after = session.get_one(AuthSession, grant.session_id, populate_existing=True).revoked_at
    assert before == after


def test_deleting_an_account_deletes_its_sign_ins(session: Session) -> None:
    user = UserFactory()
    services.start_session(session, user_id=user.id, lifetime=LIFETIME)
    session.delete(user)
    session.flush()
    assert session.scalars(select(AuthSession)).all() == []
    assert session.scalars(select(RefreshToken)).all() == []


def rotate(session: Session, token: str) -> services.Grant | None:
    return services.rotate_refresh_token(session, token=token, arrived=monotonic())

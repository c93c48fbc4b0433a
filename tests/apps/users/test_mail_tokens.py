from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from apps.users import credentials, services
from apps.users.errors import InvalidLink
from apps.users.mail_tokens import PAUSE, Purpose, find_owner, issue_token, use_token
from apps.users.models import MailToken, User
from tests.factories.users import UserFactory

HOUR = timedelta(hours=1)


@pytest.fixture
def user(session: Session) -> User:
    user: User = UserFactory.create()
    return user


def issue_after(
    session: Session, user: User, purpose: Purpose = Purpose.RESET, *, pause: timedelta = PAUSE
) -> str | None:
    return issue_token(
        session, user_id=user.id, purpose=purpose, email=user.email, lifetime=HOUR, pause=pause
    )


def issue(session: Session, user: User, purpose: Purpose = Purpose.RESET) -> str:
    token = issue_after(session, user, purpose, pause=timedelta(0))
    assert token is not None
    return token


def test_works_once(session: Session, user: User) -> None:
    token = issue(session, user)
    assert use_token(session, token=token, purpose=Purpose.RESET) == (user, user.email)
    with pytest.raises(InvalidLink):
        use_token(session, token=token, purpose=Purpose.RESET)


def test_is_256_bits_and_stored_hashed(session: Session, user: User) -> None:
    token = issue(session, user)
    stored = session.scalars(select(MailToken.token_hash)).one()
    assert len(token) == 43
    assert len(stored) == 32
    assert token.encode() not in stored


def test_new_one_replaces_the_older(session: Session, user: User) -> None:
    old, new = issue(session, user), issue(session, user)
    with pytest.raises(InvalidLink):
        use_token(session, token=old, purpose=Purpose.RESET)
    assert find_owner(session, token=new, purpose=Purpose.RESET) == user


def test_no_second_one_within_the_pause(session: Session, user: User) -> None:
    token = issue(session, user)
    assert issue_after(session, user) is None
    assert issue_after(session, user, Purpose.VERIFY) is not None
    assert find_owner(session, token=token, purpose=Purpose.RESET) == user


@pytest.mark.parametrize("other", [Purpose.VERIFY, Purpose.CHANGE])
def test_is_good_for_one_purpose(session: Session, user: User, other: Purpose) -> None:
    token = issue(session, user)
    assert find_owner(session, token=token, purpose=other) is None
    with pytest.raises(InvalidLink):
        use_token(session, token=token, purpose=other)


def test_ends(session: Session, user: User) -> None:
    token = issue(session, user)
    session.execute(update(MailToken).values(expires_at=func.now()))
    assert find_owner(session, token=token, purpose=Purpose.RESET) is None
    with pytest.raises(InvalidLink):
        use_token(session, token=token, purpose=Purpose.RESET)


@pytest.mark.parametrize("change", ["disabled", "address"])
def test_account_that_changed_meanwhile(session: Session, user: User, change: str) -> None:
    token = issue(session, user)
    if change == "disabled":
        user.is_active = False
    else:
        user.email = "elsewhere@example.com"
    session.flush()
    assert find_owner(session, token=token, purpose=Purpose.RESET) is None
    with pytest.raises(InvalidLink):
        use_token(session, token=token, purpose=Purpose.RESET)


@pytest.mark.parametrize("forge", [str.swapcase, lambda t: t[:-1], lambda t: f"{t}=", lambda _: ""])
def test_forged(session: Session, user: User, forge: Callable[[str], str]) -> None:
    token = forge(issue(session, user))
    assert find_owner(session, token=token, purpose=Purpose.RESET) is None
    with pytest.raises(InvalidLink):
        use_token(session, token=token, purpose=Purpose.RESET)


def test_another_password_makes_links_worthless(session: Session, user: User) -> None:
    tokens = {purpose: issue(session, user, purpose) for purpose in Purpose}
    credentials.set_password(session, user=user, password_hash="another")
    for purpose, token in tokens.items():
        assert find_owner(session, token=token, purpose=purpose) is None


def test_old_ones_go_when_new_ones_come(session: Session, user: User) -> None:
    for _ in range(3):
        issue(session, UserFactory.create())
    session.execute(update(MailToken).values(expires_at=func.now()))
    issue(session, user)
    assert session.scalars(select(MailToken.user_id)).all() == [user.id]


def test_another_address_makes_links_worthless(session: Session, user: User) -> None:
    """Whoever asked for a change before an administrator put things right gets nothing."""
    tokens = {purpose: issue(session, user, purpose) for purpose in Purpose}
    services.change_user(session, user=user, changes={"email": user.email, "full_name": "Ada"})
    assert find_owner(session, token=tokens[Purpose.CHANGE], purpose=Purpose.CHANGE) == user
    services.change_user(session, user=user, changes={"email": "rescued@example.com"})
    for purpose, token in tokens.items():
        assert find_owner(session, token=token, purpose=purpose) is None

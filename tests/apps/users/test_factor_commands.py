"""`manage.py twofactor` and `clearsessions`, on a database of their own."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import URL, create_engine, func, select, update
from sqlalchemy.orm import Session

from apps.users.api_keys import KEPT
from apps.users.models import ApiKey, AuthSession, User
from apps.users.services import start_session
from apps.users.vault import Vault
from project.errors import CommandError
from project.management.dispatcher import call_command
from tests.apps.users.enrolment import enrolled
from tests.database import TestDatabase
from tests.factories.base import bind_factories
from tests.factories.users import ApiKeyFactory, UserFactory
from tests.processes import environment_for, fresh_database

Run = Callable[..., int]
VAULT = Vault(["0123456789abcdefghijklmnopqrstuvwxyz"])
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield url


@pytest.fixture
def own(url: URL, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
    engine = create_engine(url)
    with Session(engine) as session, bind_factories(session):
        yield session
    engine.dispose()


def test_shown_and_removed(own: Session, capsys: pytest.CaptureFixture[str]) -> None:
    ada = enrolled(own, VAULT)
    start_session(own, user_id=ada.user.id, lifetime=HOUR, is_code_verified=True)
    own.commit()
    assert call_command("twofactor", ada.user.email.upper()) == 0
    assert "10 recovery codes" in capsys.readouterr().out
    assert call_command("twofactor", ada.user.email, "--off") == 0
    assert "no second factor any more" in capsys.readouterr().out
    own.expire_all()
    assert not own.get_one(User, ada.user.id).has_two_factor
    mine = select(AuthSession.revoked_at).where(AuthSession.user_id == ada.user.id)
    assert None not in own.scalars(mine).all()


def test_nothing_to_remove(own: Session, capsys: pytest.CaptureFixture[str]) -> None:
    user = UserFactory.create()
    own.commit()
    assert call_command("twofactor", user.email, "--off") == 0
    assert "has no second factor." in capsys.readouterr().out


def test_nobody(own: Session) -> None:
    with pytest.raises(CommandError, match="no account nobody@example"):
        call_command("twofactor", "nobody@example.com", "--off")


def test_cleared(own: Session, capsys: pytest.CaptureFixture[str]) -> None:
    user = UserFactory.create()
    for _ in range(3):
        start_session(own, user_id=user.id, lifetime=HOUR)
    own.execute(update(AuthSession).values(revoked_at=func.now() - timedelta(days=2)))
    start_session(own, user_id=UserFactory.create().id, lifetime=HOUR)
    own.commit()
    assert call_command("clearsessions", "--batch-size", "2") == 0
    assert own.scalars(select(func.count()).select_from(AuthSession)).one() == 1
    call_command("clearsessions")
    assert "0 old sessions" in capsys.readouterr().out


def test_keys_are_cleared_when_they_have_long_been_over(
    own: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    user = UserFactory.create()
    long_ago, lately = (func.now() - KEPT - timedelta(days=days) for days in (1, -1))
    for name in ("expires_at", "revoked_at"):
        for when in (long_ago, lately):
            ApiKeyFactory.create(user_id=user.id, **{name: when})
    assert call_command("clearsessions", "--batch-size", "1") == 0
    assert "0 old sessions and 2 old API keys" in capsys.readouterr().out
    assert own.scalars(select(func.count()).select_from(ApiKey)).one() == 2

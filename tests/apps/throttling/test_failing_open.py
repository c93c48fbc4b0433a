"""A database that does not answer is no reason to refuse anybody."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient
from loguru import logger
from sqlalchemy import text
from sqlalchemy.orm import Session

from apps.throttling.limiter import BucketLimiter
from apps.users.models import User
from tests.apps.throttling.conftest import Build
from tests.apps.throttling.test_routes import with_exports
from tests.apps.throttling.test_sign_in import try_password
from tests.factories.users import PASSWORD, UserFactory

pytestmark = pytest.mark.committed


@contextmanager
def warnings() -> Iterator[list[str]]:
    """Collect what is logged; an application that is built meanwhile would end that."""
    written: list[str] = []
    sink = logger.add(written.append, level="WARNING", format="{message}")
    yield written
    logger.remove(sink)


def limiter_of(client: TestClient) -> BucketLimiter:
    limiter = client.app.state.runtime.limiter  # type: ignore[attr-defined]
    assert isinstance(limiter, BucketLimiter)
    return limiter


@pytest.fixture
def patience() -> float:
    return 0.5


@pytest.fixture
def user(session: Session) -> User:
    user: User = UserFactory.create()
    session.commit()
    return user


def test_without_its_table(build: Build, user: User, session: Session) -> None:
    """A deployment that has not migrated yet, say."""
    session.execute(text("ALTER TABLE throttling_bucket RENAME TO elsewhere"))
    session.commit()
    client = build()
    try:
        with warnings() as log:
            assert try_password(client, user.email, PASSWORD).status_code == 200
            assert {try_password(client, user.email).status_code for _ in range(8)} == {401}
    finally:
        session.execute(text("ALTER TABLE elsewhere RENAME TO throttling_bucket"))
        session.commit()
    assert limiter_of(client).unasked > 8
    assert len([line for line in log if "throttled" in line]) == 1, "one line in a minute"


@contextmanager
def hanging(session: Session) -> Iterator[None]:
    """Let nobody count in the meantime."""
    session.execute(text("LOCK TABLE throttling_bucket IN ACCESS EXCLUSIVE MODE"))
    yield
    session.rollback()


def test_a_route_does_not_wait_for_a_count(build: Build, session: Session) -> None:
    client = with_exports(build())
    with hanging(session):
        answers = [client.get("/exports") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert "RateLimit" not in answers[0].headers
    assert limiter_of(client).unasked == 4


def test_it_counts_again_when_the_database_answers(
    build: Build, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.throttling.asking.REST", 0.0)
    client = with_exports(build())
    with hanging(session):
        assert client.get("/exports").status_code == 200
    monkeypatch.setattr("apps.throttling.asking.DEADLINE", 10.0)
    assert [client.get("/exports").status_code for _ in range(5)][-1] == 429


def test_who_makes_the_database_slow_does_not_guess_for_nothing(
    build: Build, user: User, session: Session
) -> None:
    """Whoever signs in needs the database anyway, and comes back in a moment."""
    client = build()
    with hanging(session):
        refused = try_password(client, user.email, PASSWORD)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert limiter_of(client).unasked == 0

"""Where one is signed in: seen, and ended, one's own and that of accounts one may change."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from loguru import logger
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from apps.users import services
from apps.users.models import AuthSession, User
from project.web.client import Client
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import cookie_of, enter

IDS = re.compile(r'name="id" value="([^"]+)"')


def open_sessions(session: Session, user: User) -> int:
    statement = select(func.count()).where(
        AuthSession.user_id == user.id, AuthSession.revoked_at.is_(None)
    )
    return session.scalar(statement) or 0


def sign_in_elsewhere(session: Session, user: User, agent: str = "Robot/1.0") -> None:
    client = Client("192.0.2.7", agent)
    services.start_session(session, user_id=user.id, lifetime=timedelta(hours=1), client=client)
    session.commit()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_anonymous(client: TestClient, method: str) -> None:
    response = client.request(method, "/admin/sign-ins")
    assert response.headers["location"].startswith("/admin/login")


def test_own_are_listed(client: TestClient, session: Session) -> None:
    user = enter(client, UserFactory.create(staff=True))
    sign_in_elsewhere(session, user, "<script>alert(1)</script>")
    page = client.get("/admin/sign-ins").text
    assert page.count('class="card sign-in"') == 2
    assert page.count("This one") == 1
    assert "&lt;script&gt;alert(1)" in page
    assert "192.0.2.7" in page
    assert 'href="/admin/sign-ins"' in client.get("/admin/").text


def test_one_is_ended(client: TestClient, session: Session, application: FastAPI) -> None:
    user = enter(client, UserFactory.create(staff=True))
    with TestClient(application, follow_redirects=False) as other:
        enter(other, user)
        (sign_in_id,) = IDS.findall(client.get("/admin/sign-ins").text)
        response = client.post("/admin/sign-ins", data={"id": sign_in_id})
        assert response.headers["location"] == "/admin/sign-ins"
        assert other.get("/admin/").status_code == 303
    assert client.get("/admin/").status_code == 200


def test_all_others_are_ended(client: TestClient, session: Session) -> None:
    user = enter(client, UserFactory.create(staff=True))
    sign_in_elsewhere(session, user)
    cookie_of(user)
    assert client.post("/admin/sign-ins", data={"all": "yes"}).status_code == 303
    assert open_sessions(session, user) == 1
    assert client.get("/admin/sign-ins").text.count('class="card sign-in"') == 1


def test_forgotten_browsers_are_not_listed(client: TestClient, session: Session) -> None:
    """After an hour without a click a cookie is worth nothing, though its session goes on."""
    user = enter(client, UserFactory.create(staff=True))
    cookie_of(user)
    (other,) = IDS.findall(client.get("/admin/sign-ins").text)
    seen = update(AuthSession).where(AuthSession.id == uuid.UUID(other))
    session.execute(seen.values(seen_at=func.now() - timedelta(hours=2)))
    session.commit()
    assert IDS.findall(client.get("/admin/sign-ins").text) == []


@pytest.mark.parametrize("chosen", ["x", "\0", "9" * 5000, str(uuid.UUID(int=7))])
def test_hostile_id(client: TestClient, session: Session, chosen: str) -> None:
    enter(client, UserFactory.create(staff=True))
    assert client.post("/admin/sign-ins", data={"id": chosen}).status_code == 404


def test_nothing_chosen(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(staff=True))
    assert client.post("/admin/sign-ins", data={}).status_code == 400


def test_that_of_somebody_else_is_not_ended_here(client: TestClient, session: Session) -> None:
    other = UserFactory.create()
    sign_in_elsewhere(session, other)
    sign_in_id = session.scalars(select(AuthSession.id)).one()
    enter(client, UserFactory.create(superuser=True))
    assert client.post("/admin/sign-ins", data={"id": str(sign_in_id)}).status_code == 404
    assert open_sessions(session, other) == 1


@pytest.fixture
def security_log() -> Iterator[list[dict[str, Any]]]:
    """What the log of security is told during the test."""
    lines: list[dict[str, Any]] = []
    sink = logger.add(
        lambda message: lines.append(message.record["extra"]),
        filter=lambda record: record["extra"].get("logger") == "security",
    )
    yield lines
    logger.remove(sink)


def test_who_may_change_an_account_ends_its_sign_ins(
    client: TestClient, session: Session, security_log: list[dict[str, Any]]
) -> None:
    user = UserFactory.create()
    sign_in_elsewhere(session, user)
    clerk = enter(client, grant(UserFactory.create(staff=True), "users.change_user"))
    path = f"/admin/users-user/sign-ins/{user.id}"
    assert f'href="{path}"' in client.get(f"/admin/users-user/edit/{user.id}").text
    assert f"Where {user.email} is signed in" in client.get(path).text
    assert client.post(path, data={"all": "yes"}).status_code == 303
    assert open_sessions(session, user) == 0
    assert open_sessions(session, clerk) == 1
    (line,) = security_log
    assert (line["event"], line["user_id"]) == ("admin_ended_sign_ins", user.id)
    assert line["by"] == clerk.id


def test_accounts_of_those_who_hold_more_are_left_alone(
    client: TestClient, session: Session
) -> None:
    superuser = UserFactory.create(superuser=True)
    sign_in_elsewhere(session, superuser)
    enter(client, grant(UserFactory.create(staff=True), "users.change_user"))
    path = f"/admin/users-user/sign-ins/{superuser.id}"
    assert client.get(path).status_code == 403
    assert client.post(path, data={"all": "yes"}).status_code == 403
    assert open_sessions(session, superuser) == 1


def test_only_accounts_have_sign_ins(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True))
    assert client.get("/admin/users-group/sign-ins/1").status_code == 404
    assert client.get("/admin/users-user/sign-ins/x").status_code == 404
    assert client.post("/admin/users-user/sign-ins/0", data={"all": "1"}).status_code == 404

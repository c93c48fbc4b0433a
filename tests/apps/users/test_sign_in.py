"""Signing in, refreshing and signing out, through the API."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO

import pytest
from fastapi.testclient import TestClient
from httpx2 import AsyncClient, Response
from loguru import logger
from sqlalchemy import event, func, select, text, update
from sqlalchemy.orm import Session

from apps.users.errors import WrongCredentials
from apps.users.models import AuthSession, RefreshToken, User
from apps.users.services import start_session
from apps.users.tokens import hash_refresh_token
from project.runtime import Runtime
from tests.factories.users import PASSWORD, UserFactory

Headers = Callable[[User], dict[str, str]]

TOKEN = "/api/v1/auth/token"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"
ME = "/api/v1/users/me"


@pytest.fixture
def log() -> Iterator[StringIO]:
    written = StringIO()
    sink = logger.add(written, level=0, format="{message} {extra} {exception}", diagnose=False)
    yield written
    logger.remove(sink)


@pytest.fixture
def pair(client: TestClient) -> dict[str, str]:
    """The tokens of somebody who has just signed in."""
    tokens: dict[str, str] = sign_in(client, UserFactory().email).json()
    return tokens


def sign_in(client: TestClient, email: str, password: str = PASSWORD) -> Response:
    return client.post(TOKEN, data={"username": email, "password": password})


def refresh(client: TestClient, token: str) -> Response:
    return client.post(REFRESH, json={"refresh_token": token})


def status_of(client: TestClient, pair: dict[str, str]) -> int:
    """What the access token of a pair opens."""
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    return client.get(ME, headers=bearer).status_code


# Signing in


def test_token_anonymous(client: TestClient, session: Session) -> None:
    user = UserFactory()
    response = sign_in(client, user.email)
    body = response.json()
    session.refresh(user)
    assert response.status_code == 200
    assert body.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 600)
    assert response.headers["Cache-Control"] == "no-store"
    assert status_of(client, body) == 200
    assert user.last_login_at is not None


@pytest.mark.parametrize("email", [" padded@example.com ", "NFD-u\u0308@example.com"])
def test_token_for_what_registration_took(client: TestClient, email: str) -> None:
    body = {"email": email, "password": PASSWORD}
    assert client.post("/api/v1/users/", json=body).status_code == 201
    assert sign_in(client, email).status_code == 200


def test_password_changed_while_it_was_compared(session: Session) -> None:
    """The session that the old password was to open never begins."""
    user = UserFactory()
    with pytest.raises(WrongCredentials):
        start_session(
            session, user_id=user.id, lifetime=timedelta(hours=1), verified_hash="the old one"
        )


def test_token_for_any_capitals(client: TestClient) -> None:
    client.post("/api/v1/users/", json={"email": "Ünï@Example.COM", "password": PASSWORD})
    for email in ("ünï@example.com", "ÜNÏ@EXAMPLE.COM", "Ünï@Example.com"):
        assert sign_in(client, email).status_code == 200


def test_refusals_look_alike(client: TestClient) -> None:
    """Wrong password, unknown account, disabled account, no password at all: one answer."""
    UserFactory(email="known@example.com")
    UserFactory(email="gone@example.com", disabled=True)
    UserFactory(email="nobody@example.com", password_hash=None)
    UserFactory(email="broken@example.com", password_hash="plain text")
    bodies = []
    for name, word in (
        ("known", "wrong password"),
        ("unknown", PASSWORD),
        ("gone", PASSWORD),
        ("nobody", PASSWORD),
        ("broken", "plain text"),
    ):
        response = sign_in(client, f"{name}@example.com", word)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        bodies.append({k: v for k, v in response.json().items() if k != "request_id"})
    assert all(body == bodies[0] for body in bodies)


def test_wrong_password_is_not_logged(client: TestClient, log: StringIO) -> None:
    user = UserFactory()
    assert sign_in(client, user.email, "canary-password").status_code == 401
    assert TOKEN in log.getvalue()
    assert "canary" not in log.getvalue()


def test_sign_ins_are_logged(client: TestClient, log: StringIO) -> None:
    user = UserFactory()
    sign_in(client, user.email, "wrong password")
    assert "'event': 'sign_in_failed'" in log.getvalue()
    assert "'client': 'testclient'" in log.getvalue()
    sign_in(client, user.email)
    assert f"'event': 'signed_in', 'user_id': {user.id}" in log.getvalue()
    assert user.email not in log.getvalue()


def test_tokens_are_not_logged(client: TestClient, log: StringIO, pair: dict[str, str]) -> None:
    status_of(client, pair)
    refreshed = refresh(client, pair["refresh_token"]).json()
    refresh(client, pair["refresh_token"])
    client.get(f"{ME}?token={pair['access_token']}")
    for tokens in (pair, refreshed):
        assert tokens["access_token"] not in log.getvalue()
        assert tokens["refresh_token"] not in log.getvalue()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "test@example.com"},
        {"password": PASSWORD},
        {"username": "x" * 255, "password": PASSWORD},
        {"username": "test@example.com", "password": "canary" * 50},
        {"username": "test@example.com", "password": "canary\x00"},
        {"username": "test@example.com", "password": PASSWORD, "grant_type": "canary"},
    ],
)
def test_token_bad_form(client: TestClient, form: dict[str, str]) -> None:
    response = client.post(TOKEN, data=form)
    assert response.status_code == 422
    assert "canary" not in response.text
    assert PASSWORD not in response.text


def test_token_wants_a_form(client: TestClient) -> None:
    user = UserFactory()
    body = {"username": user.email, "password": PASSWORD}
    assert client.post(TOKEN, json=body).status_code == 422


def test_refresh_token_is_stored_hashed(session: Session, pair: dict[str, str]) -> None:
    stored = session.scalars(select(RefreshToken.token_hash)).one()
    assert stored == hash_refresh_token(pair["refresh_token"])
    assert pair["refresh_token"].encode() not in stored


# Refreshing


def test_refresh_anonymous(client: TestClient) -> None:
    for token in ("", "x", "x" * 43, "é" * 40):
        response = refresh(client, token)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert refresh(client, "x" * 201).status_code == 422


def test_refresh(client: TestClient, pair: dict[str, str]) -> None:
    response = refresh(client, pair["refresh_token"])
    after = response.json()
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert after["refresh_token"] != pair["refresh_token"]
    assert status_of(client, after) == 200


def test_refresh_twice_revokes_the_session(client: TestClient, pair: dict[str, str]) -> None:
    """A token that comes back was stolen: whoever has its successor is signed out, too."""
    after = refresh(client, pair["refresh_token"]).json()
    assert refresh(client, pair["refresh_token"]).status_code == 401
    assert status_of(client, after) == 401
    assert refresh(client, after["refresh_token"]).status_code == 401


def test_reuse_leaves_other_sessions_alone(client: TestClient) -> None:
    user = UserFactory()
    one, other = sign_in(client, user.email).json(), sign_in(client, user.email).json()
    for _ in range(2):
        refresh(client, one["refresh_token"])
    assert (status_of(client, one), status_of(client, other)) == (401, 200)


@pytest.mark.committed
@pytest.mark.anyio
async def test_20_refreshes_at_once(async_client: AsyncClient) -> None:
    token = await begin_session(async_client)
    requests = (async_client.post(REFRESH, json={"refresh_token": token}) for _ in range(20))
    responses = await asyncio.gather(*requests)
    assert sorted(response.status_code for response in responses) == [200] + [401] * 19


@pytest.mark.committed
@pytest.mark.anyio
async def test_losing_a_race_is_no_theft(async_client: AsyncClient, session: Session) -> None:
    """The loser stands at the winner's row lock, however long: the session lives on."""
    token = await begin_session(async_client)
    row = select(RefreshToken).where(RefreshToken.token_hash == hash_refresh_token(token))
    winner = session.scalars(row.with_for_update()).one()
    loser = asyncio.create_task(async_client.post(REFRESH, json={"refresh_token": token}))
    await until(lambda: session.scalar(WAITERS) == 1)
    winner.used_at = used_at = session.scalars(NOW).one()
    session.flush()
    await until(lambda: session.scalars(NOW).one() - used_at > timedelta(milliseconds=100))
    session.commit()
    assert (await loser).status_code == 401
    assert session.scalars(select(AuthSession.revoked_at)).one() is None


NOW = select(func.clock_timestamp())
# Not pg_stat_activity, which shows a transaction the same picture to its end.
WAITERS = text(
    "SELECT count(*) FROM pg_locks "
    "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)


async def begin_session(client: AsyncClient) -> str:
    form = {"username": UserFactory().email, "password": PASSWORD}
    token: str = (await client.post(TOKEN, data=form)).json()["refresh_token"]
    return token


async def until(is_reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_reached():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)


def test_refresh_disabled(client: TestClient, session: Session) -> None:
    user = UserFactory()
    pair = sign_in(client, user.email).json()
    user.is_active = False
    session.commit()
    assert refresh(client, pair["refresh_token"]).status_code == 401
    assert status_of(client, pair) == 401


def test_refresh_does_not_prolong_the_session(
    client: TestClient, session: Session, pair: dict[str, str]
) -> None:
    before = session.scalars(select(AuthSession.expires_at)).one()
    refresh(client, pair["refresh_token"])
    session.rollback()
    assert session.scalars(select(AuthSession.expires_at)).one() == before
    session.execute(update(AuthSession).values(expires_at=func.now() - timedelta(seconds=1)))
    session.commit()
    assert refresh(client, pair["refresh_token"]).status_code == 401


def test_access_token_is_no_refresh_token(client: TestClient, pair: dict[str, str]) -> None:
    assert refresh(client, pair["access_token"][:200]).status_code == 401
    bearer = {"Authorization": f"Bearer {pair['refresh_token']}"}
    assert client.get(ME, headers=bearer).status_code == 401


# Signing out


def test_logout_anonymous(client: TestClient) -> None:
    response = client.post(LOGOUT)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.post(LOGOUT, json={"refresh_token": "x" * 43}).status_code == 401
    assert client.post(LOGOUT, headers={"Authorization": "Bearer x.y.z"}).status_code == 401


def test_logout_by_refresh_token(client: TestClient, pair: dict[str, str]) -> None:
    response = client.post(LOGOUT, json={"refresh_token": pair["refresh_token"]})
    assert (response.status_code, response.content) == (204, b"")
    assert status_of(client, pair) == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401


def test_logout_by_access_token(client: TestClient, pair: dict[str, str]) -> None:
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert client.post(LOGOUT, headers=bearer).status_code == 204
    assert status_of(client, pair) == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401


def test_logout_by_a_used_refresh_token(client: TestClient, pair: dict[str, str]) -> None:
    after = refresh(client, pair["refresh_token"]).json()
    client.post(LOGOUT, json={"refresh_token": pair["refresh_token"]})
    assert status_of(client, after) == 401


def test_logout_leaves_other_sessions_alone(client: TestClient) -> None:
    user = UserFactory()
    one, other = sign_in(client, user.email).json(), sign_in(client, user.email).json()
    client.post(LOGOUT, json={"refresh_token": one["refresh_token"]})
    assert (status_of(client, one), status_of(client, other)) == (401, 200)


def test_logout_twice(client: TestClient, pair: dict[str, str]) -> None:
    body = {"refresh_token": pair["refresh_token"]}
    assert [client.post(LOGOUT, json=body).status_code for _ in range(2)] == [204, 204]


def test_no_connection_is_held_while_argon2_works(client: TestClient, runtime: Runtime) -> None:
    """Signing in takes two lanes one after the other, never one inside the other."""
    hashed: list[int] = []
    user = UserFactory()
    completed = runtime.lanes.hash.completed

    def look(*arguments: object) -> None:
        hashed.append(runtime.lanes.hash.running)

    event.listen(runtime.database.engine, "before_cursor_execute", look)
    sign_in(client, user.email)
    event.remove(runtime.database.engine, "before_cursor_execute", look)
    assert set(hashed) == {0}
    assert runtime.lanes.hash.completed == completed + 1


def test_logout_by_both_ends_both(client: TestClient, session: Session) -> None:
    user = UserFactory()
    first, second = (sign_in(client, user.email).json() for _ in range(2))
    response = client.post(
        LOGOUT,
        json={"refresh_token": first["refresh_token"]},
        headers={"Authorization": f"Bearer {second['access_token']}"},
    )
    assert response.status_code == 204
    assert (status_of(client, first), status_of(client, second)) == (401, 401)


def test_logout_with_a_stale_access_token(client: TestClient, pair: dict[str, str]) -> None:
    """A client that signs out after a pause still sends the header it has."""
    body = {"refresh_token": pair["refresh_token"]}
    response = client.post(LOGOUT, json=body, headers={"Authorization": "Bearer stale"})
    assert response.status_code == 204
    assert status_of(client, pair) == 401

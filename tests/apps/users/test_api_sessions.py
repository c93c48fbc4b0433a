"""Where one is signed in, through the API."""

import base64
import json
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from apps.users.models import AuthSession, User
from tests.factories.users import PASSWORD, UserFactory
from tests.project.admin.support import sign_in as sign_in_to_admin

URL = "/api/v1/auth/sessions"
TOKEN = "/api/v1/auth/token"
Headers = dict[str, str]
QueryBudget = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def user(session: Session) -> User:
    user: User = UserFactory.create(superuser=True)
    return user


def sign_in(client: TestClient, user: User, agent: str = "test") -> Response:
    form = {"username": user.email, "password": PASSWORD}
    return client.post(TOKEN, data=form, headers={"User-Agent": agent})


def bearer(response: Response) -> Headers:
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("DELETE", f"/{uuid.UUID(int=7)}")]
)
def test_anonymous(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, URL + path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_list(client: TestClient, user: User) -> None:
    sign_in(client, user, "Firefox")
    headers = bearer(sign_in(client, user, "curl/8"))
    sign_in_to_admin(client, user)
    sign_in(client, UserFactory.create())
    rows = client.get(URL, headers=headers).json()["items"]
    found = {row["user_agent"]: (row["is_current"], row["is_browser"]) for row in rows}
    assert found.pop("Firefox") == (False, False)
    assert found.pop("curl/8") == (True, False)
    assert list(found.values()) == [(False, True)]
    current = next(row for row in rows if row["is_current"])
    assert current["client_address"] == "testclient"
    assert current["created_at"] <= current["last_seen_at"] < current["expires_at"]


def test_newest_first(client: TestClient, user: User, session: Session) -> None:
    headers, *_ = [bearer(sign_in(client, user)) for _ in range(3)]
    ids = session.scalars(select(AuthSession.id)).all()
    for hours, session_id in enumerate(ids):
        moved = update(AuthSession).where(AuthSession.id == session_id)
        session.execute(moved.values(created_at=func.now() - timedelta(hours=hours)))
    session.commit()
    rows = client.get(URL, headers=headers).json()["items"]
    assert [row["id"] for row in rows] == [str(session_id) for session_id in ids]


def test_pages(client: TestClient, user: User) -> None:
    headers, *_ = [bearer(sign_in(client, user)) for _ in range(3)]
    seen: list[str] = []
    query: dict[str, str] | None = {}
    while query is not None:
        page = client.get(URL, params={"limit": "1"} | query, headers=headers).json()
        seen += [row["id"] for row in page["items"]]
        query = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert len(seen) == len(set(seen)) == 3


def test_cursor_that_is_none(client: TestClient, user: User) -> None:
    headers = bearer(sign_in(client, user))
    packed = json.dumps(["newest", "2026-01-01T00:00:00+00:00", "x"]).encode()
    cursor = base64.urlsafe_b64encode(packed).decode()
    assert client.get(f"{URL}?cursor={cursor}", headers=headers).status_code == 422


def test_what_is_over_is_not_shown(client: TestClient, user: User, session: Session) -> None:
    gone, late, headers = (bearer(sign_in(client, user)) for _ in range(3))
    client.post("/api/v1/auth/logout", headers=gone)
    rows = client.get(URL, headers=headers).json()["items"]
    other = next(row["id"] for row in rows if not row["is_current"])
    over = update(AuthSession).where(AuthSession.id == uuid.UUID(other))
    session.execute(over.values(expires_at=func.now()))
    session.commit()
    assert len(client.get(URL, headers=headers).json()["items"]) == 1
    assert client.get(URL, headers=late).status_code == 401
    assert client.delete(f"{URL}/{other}", headers=headers).status_code == 404


def test_refresh_says_where_it_came_from(client: TestClient, user: User) -> None:
    body = {"refresh_token": sign_in(client, user, "old").json()["refresh_token"]}
    agent = {"User-Agent": "new" + "x" * 5000}
    refreshed = client.post("/api/v1/auth/refresh", json=body, headers=agent)
    (row,) = client.get(URL, headers=bearer(refreshed)).json()["items"]
    assert row["user_agent"] == "new" + "x" * 197
    assert row["last_seen_at"] >= row["created_at"]


def test_end_one(client: TestClient, user: User) -> None:
    there, here = bearer(sign_in(client, user)), bearer(sign_in(client, user))
    rows = client.get(URL, headers=here).json()["items"]
    other = next(row["id"] for row in rows if not row["is_current"])
    assert client.delete(f"{URL}/{other}", headers=here).status_code == 204
    assert client.get(URL, headers=there).status_code == 401
    assert client.get(URL, headers=here).status_code == 200
    assert client.delete(f"{URL}/{other}", headers=here).status_code == 404


def test_end_one_of_somebody_else(client: TestClient, user: User) -> None:
    """Not even a superuser, and the answer is that of a session that never was."""
    theirs = bearer(sign_in(client, UserFactory.create()))
    (row,) = client.get(URL, headers=theirs).json()["items"]
    mine = bearer(sign_in(client, user))
    for session_id in (row["id"], uuid.uuid4()):
        response = client.delete(f"{URL}/{session_id}", headers=mine)
        assert (response.status_code, response.json()["code"]) == (404, "session_not_found")
    assert client.get(URL, headers=theirs).status_code == 200


@pytest.mark.parametrize("session_id", ["1", "x", "%00", "0" * 33])
def test_end_what_is_no_session(client: TestClient, user: User, session_id: str) -> None:
    headers = bearer(sign_in(client, user))
    assert client.delete(f"{URL}/{session_id}", headers=headers).status_code == 422


def test_end_all_others(client: TestClient, user: User) -> None:
    there, here = bearer(sign_in(client, user)), bearer(sign_in(client, user))
    theirs = bearer(sign_in(client, UserFactory.create()))
    sign_in_to_admin(client, user)
    assert client.delete(URL, headers=here).status_code == 204
    assert client.get(URL, headers=there).status_code == 401
    assert client.get("/admin/").status_code == 303, "the browser, too"
    assert len(client.get(URL, headers=here).json()["items"]) == 1
    assert client.get(URL, headers=theirs).status_code == 200


def test_list_costs_two_queries(client: TestClient, user: User, max_queries: QueryBudget) -> None:
    headers, *_ = [bearer(sign_in(client, user)) for _ in range(3)]
    with max_queries(2):
        client.get(URL, headers=headers)

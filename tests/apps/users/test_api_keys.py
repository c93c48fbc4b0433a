"""API keys: who makes them, what they may, and when they end."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import AsyncClient
from loguru import logger
from sqlalchemy import create_engine, func, select, update
from sqlalchemy.orm import Session

from apps.users import api_keys
from apps.users.credentials import set_password
from apps.users.key_use import write_uses
from apps.users.models import ApiKey, User
from apps.users.services import change_user
from apps.users.sign_ins import end_sessions
from project.db.session import Database
from project.runtime import Runtime
from tests.conftest import QueryBudget
from tests.database import wait_until_blocked
from tests.factories.items import ItemFactory
from tests.factories.users import ApiKeyFactory, UserFactory, grant

KEYS = "/api/v1/auth/keys"
SignIn = Callable[[User], dict[str, str]]


def key_of(client: TestClient, headers: dict[str, str], **body: Any) -> Any:
    answer = client.post(KEYS, json={"name": "Robot", **body}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("DELETE", "/1")])
def test_anonymous(client: TestClient, method: str, path: str) -> None:
    answer = client.request(
        method, f"{KEYS}{path}", json={"name": "x"} if method == "POST" else None
    )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_is_shown_once(client: TestClient, headers_for: SignIn, session: Session) -> None:
    headers = headers_for(UserFactory())
    created = key_of(client, headers)
    assert re.fullmatch(r"lk_[0-9a-f]{8}_[\w-]{43}", created["key"])
    listed = client.get(KEYS, headers=headers)
    assert listed.json()["items"] == [{k: v for k, v in created.items() if k != "key"}]
    row = session.scalars(select(ApiKey)).one()
    assert created["key"][12:].encode() not in row.secret_hash


def test_expires_in_90_days_unless_told(
    client: TestClient, headers_for: SignIn, session: Session
) -> None:
    key_of(client, headers_for(UserFactory()))
    row = session.scalars(select(ApiKey)).one()
    assert row.expires_at - row.created_at == timedelta(days=90)


@pytest.mark.parametrize(
    "change",
    [
        {"expires_in_days": 366},
        {"expires_in_days": 0},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\0"},
        {"scopes": ["items.chang_item"]},
        {"scopes": ["\0"]},
        {"scopes": "items.change_item"},
    ],
)
def test_wrong_values(client: TestClient, headers_for: SignIn, change: dict[str, Any]) -> None:
    answer = client.post(KEYS, json={"name": "x", **change}, headers=headers_for(UserFactory()))
    assert answer.status_code == 422


def test_unknown_scope_is_told_a_near_one(client: TestClient, headers_for: SignIn) -> None:
    body = {"name": "x", "scopes": ["items.chang_item"]}
    answer = client.post(KEYS, json=body, headers=headers_for(UserFactory())).json()
    assert (answer["code"], "items.change_item" in answer["detail"]) == ("unknown_permission", True)


def test_scope_has_to_be_held(client: TestClient, headers_for: SignIn, session: Session) -> None:
    user = UserFactory(staff=True)
    body = {"name": "x", "scopes": ["items.change_item"]}
    answer = client.post(KEYS, json=body, headers=headers_for(user))
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    grant(user, "items.change_item")
    assert client.post(KEYS, json=body, headers=headers_for(user)).status_code == 201


def test_acts_for_its_owner(client: TestClient, headers_for: SignIn) -> None:
    user = UserFactory()
    headers = bearer(key_of(client, headers_for(user))["key"])
    assert client.get("/api/v1/users/me", headers=headers).json()["id"] == user.id
    created = client.post("/api/v1/items/", json={"name": "Mug", "price": "1"}, headers=headers)
    assert created.json()["owner_id"] == user.id


def test_scope_is_worth_what_its_owner_holds(client: TestClient, session: Session) -> None:
    item, user = ItemFactory(), UserFactory()
    headers = bearer(ApiKeyFactory.token_for(user, scopes=["items.change_item"]))
    path, body = f"/api/v1/items/{item.id}", {"stock": 1}
    assert client.patch(path, json=body, headers=headers).status_code == 403
    grant(user, "items.change_item")
    assert client.patch(path, json=body, headers=headers).status_code == 200
    assert client.delete(path, headers=headers).status_code == 403


@pytest.mark.parametrize("trait", ["staff", "superuser"])
def test_is_never_staff(client: TestClient, session: Session, trait: str) -> None:
    user, item = UserFactory(**{trait: True}), ItemFactory()
    headers = bearer(ApiKeyFactory.token_for(user))
    assert client.get("/api/v1/users/", headers=headers).status_code == 403
    assert client.get(f"/api/v1/users/{item.owner_id}", headers=headers).status_code == 403
    assert client.delete(f"/api/v1/items/{item.id}", headers=headers).status_code == 403


def test_superusers_scope_is_enough(client: TestClient, session: Session) -> None:
    user = UserFactory(superuser=True)
    headers = bearer(ApiKeyFactory.token_for(user, scopes=["users.view_user"]))
    assert client.get("/api/v1/users/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", KEYS),
        ("POST", KEYS),
        ("DELETE", f"{KEYS}/1"),
        ("PATCH", "/api/v1/users/me"),
        ("PATCH", "/api/v2/users/me"),
    ],
)
def test_accounts_are_managed_by_people(
    client: TestClient, session: Session, method: str, path: str
) -> None:
    headers = bearer(ApiKeyFactory.token_for(UserFactory(superuser=True)))
    body = {"name": "x", "full_name": "x"} if method in {"POST", "PATCH"} else None
    answer = client.request(method, path, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "session_needed")


def test_cannot_sign_anybody_out_nor_in(client: TestClient, session: Session) -> None:
    headers = bearer(ApiKeyFactory.token_for(UserFactory(superuser=True)))
    assert client.post("/api/v1/auth/logout", headers=headers).status_code == 401
    assert client.get("/admin/", headers=headers).status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        update(User).values(is_active=False),
        update(ApiKey).values(expires_at=func.now()),
        update(ApiKey).values(revoked_at=func.now()),
    ],
)
def test_ends_at_once(client: TestClient, session: Session, change: Any) -> None:
    headers = bearer(ApiKeyFactory.token_for(UserFactory()))
    assert client.get("/api/v1/users/me", headers=headers).status_code == 200
    session.execute(change)
    session.commit()
    answer = client.get("/api/v1/users/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_revoked_by_its_owner(client: TestClient, headers_for: SignIn) -> None:
    owner = headers_for(UserFactory())
    created = key_of(client, owner)
    path = f"{KEYS}/{created['id']}"
    assert client.delete(path, headers=headers_for(UserFactory())).status_code == 404
    assert client.delete(path, headers=owner).status_code == 204
    assert client.get("/api/v1/users/me", headers=bearer(created["key"])).status_code == 401
    assert client.get(KEYS, headers=owner).json()["items"] == []
    assert client.delete(path, headers=owner).json()["code"] == "api_key_not_found"


@pytest.mark.parametrize(
    "key", ["lk_", "lk_{0}_x", "lk_{0}_" + "A" * 43, "lk_00000000_" + "A" * 43]
)
def test_forged(client: TestClient, session: Session, key: str) -> None:
    prefix = ApiKeyFactory.token_for(UserFactory())[3:11]
    headers = bearer(key.format(prefix))
    assert client.get("/api/v1/users/me", headers=headers).status_code == 401
    assert (
        client.patch("/api/v1/users/me", json={"full_name": "x"}, headers=headers).status_code
        == 401
    )
    assert client.get(KEYS, headers=headers).status_code == 401


def test_twenty_at_most(client: TestClient, headers_for: SignIn) -> None:
    headers = headers_for(UserFactory())
    made = [key_of(client, headers) for _ in range(api_keys.KEYS_PER_ACCOUNT)]
    answer = client.post(KEYS, json={"name": "one more"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_keys")
    client.delete(f"{KEYS}/{made[0]['id']}", headers=headers)
    key_of(client, headers)


@pytest.mark.anyio
@pytest.mark.committed
async def test_twenty_at_most_at_once(
    async_client: AsyncClient, headers_for: SignIn, session: Session
) -> None:
    headers = headers_for(UserFactory())
    made = (async_client.post(KEYS, json={"name": "x"}, headers=headers) for _ in range(25))
    statuses = [answer.status_code for answer in await asyncio.gather(*made)]
    assert sorted(statuses) == [201] * 20 + [409] * 5
    assert session.query(ApiKey).count() == api_keys.KEYS_PER_ACCOUNT


@pytest.mark.committed
@pytest.mark.parametrize("change", ["password", "deactivation", "sign-out"])
def test_none_is_left_behind_by_whoever_loses_access_meanwhile(
    client: TestClient, headers_for: SignIn, session: Session, change: str
) -> None:
    """The key waits for the account, and what it waited for has ended the sign-in."""
    user = UserFactory.create()
    headers = headers_for(user)
    if change == "password":
        set_password(session, user=user, password_hash="another")
    elif change == "deactivation":
        change_user(session, user=user, changes={"is_active": False})
    else:
        session.execute(update(User).values(full_name="x"))
        end_sessions(session, user_id=user.id)
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(client.post, KEYS, json={"name": "x"}, headers=headers)
        wait_until_blocked(session)
        session.commit()
        assert making.result().status_code == 401
    assert session.query(ApiKey).count() == 0


def test_one_statement(client: TestClient, session: Session, max_queries: QueryBudget) -> None:
    user = grant(UserFactory(), "users.view_user")
    headers = bearer(ApiKeyFactory.token_for(user, scopes=["users.view_user"]))
    with max_queries(2):  # the key with its owner and rights; the list
        assert client.get("/api/v1/users/", headers=headers).status_code == 200


def test_use_is_logged_without_the_secret(client: TestClient, session: Session) -> None:
    lines: list[str] = []
    token = ApiKeyFactory.token_for(UserFactory())
    sink = logger.add(lambda message: lines.append(f"{message}{message.record['extra']}"))
    client.get("/api/v1/users/me", headers=bearer(token))
    logger.remove(sink)
    assert any(token[3:11] in line for line in lines)
    assert not any(token[12:] in line for line in lines)


@pytest.mark.anyio
async def test_last_use_is_written_behind_the_request(
    client: TestClient, session: Session, runtime: Runtime, max_queries: QueryBudget
) -> None:
    headers = bearer(ApiKeyFactory.token_for(UserFactory()))
    client.get("/api/v1/users/me", headers=headers)
    client.get("/api/v1/users/me", headers=headers)
    assert session.scalars(select(ApiKey.last_used_at)).one() is None
    with max_queries(1):
        await write_uses(runtime)
        await write_uses(runtime)
    session.expire_all()
    assert session.scalars(select(ApiKey.last_used_at)).one() is not None


@pytest.mark.anyio
async def test_last_use_that_cannot_be_written_is_kept(
    client: TestClient, session: Session, runtime: Runtime
) -> None:
    headers = bearer(ApiKeyFactory.token_for(UserFactory()))
    client.get("/api/v1/users/me", headers=headers)
    nowhere = Database(create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    await write_uses(replace(runtime, database=nowhere))
    await write_uses(runtime)
    session.expire_all()
    assert session.scalars(select(ApiKey.last_used_at)).one() is not None


def test_last_use_is_written_when_the_server_ends(application: FastAPI, session: Session) -> None:
    headers = bearer(ApiKeyFactory.token_for(UserFactory()))
    with TestClient(application) as client:
        client.get("/api/v1/users/me", headers=headers)
    session.expire_all()
    assert session.scalars(select(ApiKey.last_used_at)).one() is not None

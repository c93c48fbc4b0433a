from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from apps.users.models import AuthSession, User
from project.admin.sessions import CookieSessions
from project.application import create_application
from project.runtime import Runtime
from project.settings import Settings
from tests.factories.users import PASSWORD, UserFactory
from tests.project.admin.support import SAME_ORIGIN, sign_in

PAGES = (
    "/admin/",
    "/admin/users-user/list",
    "/admin/users-user/create",
    "/admin/users-user/edit/1",
    "/admin/users-user/details/1",
    "/admin/users-user/delete?pks=1",
    "/admin/items-item/ajax/lookup?name=owner&term=a",
)


@pytest.mark.parametrize("page", PAGES)
def test_anonymous(client: TestClient, page: str) -> None:
    response = client.get(page)
    assert response.status_code == 303
    assert response.headers["location"].startswith("/admin/login")


def test_superuser_comes_in(client: TestClient) -> None:
    response = sign_in(client)
    assert (response.status_code, response.headers["location"]) == (303, "/admin/")
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("traits", "password"),
    [
        ({"superuser": True}, "wrong"),
        ({"superuser": True, "disabled": True}, PASSWORD),
        ({"staff": True, "disabled": True}, PASSWORD),
        ({}, PASSWORD),
    ],
)
def test_all_others_get_the_same_answer(
    client: TestClient, traits: dict[str, bool], password: str
) -> None:
    user = UserFactory.create(**traits)
    response = client.post("/admin/login", data={"username": user.email, "password": password})
    unknown = client.post("/admin/login", data={"username": "nobody@example.com", "password": "x"})
    assert response.status_code == unknown.status_code == 401
    assert response.text.replace(user.email, "nobody@example.com") == unknown.text
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "a\0b", "password": "x"},
        {"username": "x" * 10_000, "password": "x"},
        {"username": "a@example.com", "password": "x" * 100_000},
        {"username": "a@example.com", "password": "\0"},
    ],
)
def test_hostile_credentials_are_just_wrong(client: TestClient, form: dict[str, str]) -> None:
    assert client.post("/admin/login", data=form).status_code == 401


def test_cookie_is_kept_from_scripts(client: TestClient) -> None:
    cookie = sign_in(client).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/;" in cookie


def test_deployed_cookie_is_bound_to_the_host(runtime: Runtime, settings: Settings) -> None:
    general = settings.general.model_copy(update={"environment": "production"})
    deployed = Runtime(
        **{**vars(runtime), "settings": settings.model_copy(update={"general": general})}
    )
    sessions = CookieSessions(deployed, work=None, base_url="/admin")  # type: ignore[arg-type]
    assert sessions.cookie_name.startswith("__Host-")
    assert sessions._is_secure


def test_cookie_is_not_what_is_stored(client: TestClient, session: Session) -> None:
    sign_in(client)
    (cookie,) = client.cookies.values()
    stored = session.scalars(select(AuthSession.cookie_hash)).one()
    assert stored is not None
    assert cookie.encode() not in stored
    assert len(stored) == 32


def test_each_sign_in_has_a_cookie_of_its_own(client: TestClient, session: Session) -> None:
    user = UserFactory.create(superuser=True)
    sign_in(client, user)
    (first,) = client.cookies.values()
    sign_in(client, user)
    (second,) = client.cookies.values()
    assert first != second
    client.cookies.clear()
    client.cookies.set("lintel_admin", first)
    assert client.get("/admin/").status_code == 303, "the replaced session is over"


def test_signing_out_ends_the_session_for_good(client: TestClient) -> None:
    sign_in(client)
    (cookie,) = client.cookies.values()
    assert client.get("/admin/logout").status_code == 405
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/logout").status_code == 303
    client.cookies.clear()
    client.cookies.set("lintel_admin", cookie)
    assert client.get("/admin/").status_code == 303, "a kept cookie is worth nothing"


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"is_staff": False, "is_superuser": False}]
)
def test_whoever_loses_the_right_is_out_on_the_next_click(
    client: TestClient, session: Session, change: dict[str, Any]
) -> None:
    sign_in(client)
    assert client.get("/admin/").status_code == 200
    session.execute(update(User).values(**change))
    session.commit()
    assert client.get("/admin/").status_code == 303
    assert client.post("/admin/users-user/delete", data={"pks": "1"}).status_code == 303


def test_superuser_who_becomes_staff_keeps_what_is_granted(
    client: TestClient, session: Session
) -> None:
    sign_in(client)
    session.execute(update(User).values(is_superuser=False))
    session.commit()
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/users-user/list").status_code == 403


@pytest.mark.parametrize("column", ["expires_at", "seen_at"])
def test_session_ends_by_age_and_by_idleness(
    client: TestClient, session: Session, column: str
) -> None:
    sign_in(client)
    moment = getattr(AuthSession, column)
    session.execute(update(AuthSession).values({column: moment - timedelta(hours=13)}))
    session.commit()
    assert client.get("/admin/").status_code == 303


@pytest.mark.needs("monitoring")
def test_panels_that_renew_themselves_keep_nobody_signed_in(
    client: TestClient, session: Session
) -> None:
    sign_in(client)
    long_ago = datetime.now(UTC) - timedelta(minutes=50)
    session.execute(update(AuthSession).values(seen_at=long_ago))
    session.commit()
    assert client.get("/admin/panels/monitoring-workers").status_code == 200
    assert session.scalar(select(AuthSession.seen_at)) == long_ago
    client.get("/admin/")
    assert session.scalar(select(AuthSession.seen_at)) != long_ago


def test_api_token_does_not_open_the_admin(
    client: TestClient, headers_for: Any, session: Session
) -> None:
    headers = headers_for(UserFactory.create(superuser=True))
    assert client.get("/admin/", headers=headers).status_code == 303


def test_deep_link_survives_signing_in(client: TestClient) -> None:
    target = "/admin/items-item/list?search=oak"
    page = client.get(client.get(target).headers["location"])
    assert 'value="/admin/items-item/list?search=oak"' in page.text
    assert sign_in(client, next=target).headers["location"] == target


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/admin/",
        "https://evil.example/admin/",
        "/\\evil.example",
        "/admin/\\evil.example",
        "/api/docs",
        "/admin/../api",
        "/admin/logout",
        "javascript:alert(1)",
        "/admin/\nitem",
    ],
)
def test_other_targets_lead_to_the_overview(client: TestClient, target: str) -> None:
    assert sign_in(client, next=target).headers["location"] == "/admin/"


@pytest.mark.needs("health")
def test_site_without_accounts_has_no_admin(settings: Settings, engine_database: Any) -> None:
    application: FastAPI = create_application(
        settings, database=engine_database, installed_apps=("apps.health",)
    )
    with TestClient(application) as client:
        assert client.get("/admin/").status_code == 404


THIRD = "/admin/items-item/list?page=3"


@pytest.mark.parametrize(
    ("path", "came_from", "target"),
    [
        ("/admin/items-item/edit/7?back=a%3Db", "", "/admin/items-item/edit/7?back=a%3Db"),
        ("/admin/items-item/list?page=2", "", "/admin/items-item/list?page=2"),
        ("/admin/items-item/action", f"https://testserver{THIRD}", THIRD),
        ("/admin/items-item/action", "https://evil.example/admin/../x", ""),
        ("/admin/items-item/action", "https://[", ""),
        ("/admin/items-item/action", "", ""),
    ],
)
@pytest.mark.needs("items")
def test_a_form_sent_too_late_leads_back_to_its_page(
    client: TestClient, path: str, came_from: str, target: str
) -> None:
    headers = {**SAME_ORIGIN, "Referer": came_from}
    response = client.post(path, data={"name": "typed"}, headers=headers)
    query = f"?{urlencode({'next': target})}" if target else ""
    assert response.headers["location"] == f"/admin/login{query}"
    assert "You were signed out, so nothing was saved." in client.get("/admin/login").text
    assert "You were signed out" not in client.get("/admin/login").text

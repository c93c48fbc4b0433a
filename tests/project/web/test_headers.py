"""What every answer says to a browser, by what it is; tests/browser has a browser obey it."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from apps.users.models import User
from project.application import create_application
from project.runtime import runtime_of
from project.settings import Settings
from project.web.headers import csp_nonce
from project.web.route import Router
from tests.database import TestDatabase
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory
from tests.project.admin.support import sign_in

Build = Callable[..., TestClient]


@pytest.fixture
def build(settings: Settings, database: TestDatabase) -> Build:
    """Build a client of a deployment, over HTTPS unless told otherwise."""

    def build(environment: str = "production", *, scheme: str = "https", **web: Any) -> TestClient:
        general = settings.general.model_copy(update={"environment": environment})
        changes = {"general": general, "web": settings.web.model_copy(update=web)}
        changed = settings.model_copy(update=changes)
        app = create_application(changed, database=database, env_file=None)
        return TestClient(app, base_url=f"{scheme}://testserver", follow_redirects=False)

    return build


@pytest.mark.parametrize(
    "path", ["/", "/admin/login", "/admin/", "/admin/nowhere", "/nowhere", "/api/docs"]
)
def test_pages(client: TestClient, path: str) -> None:
    headers = client.get(path, headers={"Accept": "text/html"}).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert {"base-uri 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/items/", 200),
        ("GET", "/api/v1/users/me", 401),
        ("GET", "/api/nowhere", 404),
        ("POST", "/api/v1/users/", 422),
        ("GET", "/health/live", 200),
    ],
)
def test_data(client: TestClient, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    policy = response.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"
    assert "X-Frame-Options" not in response.headers


def test_files_are_not_guessed_at(client: TestClient) -> None:
    headers = client.get("/static/favicon.svg").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in headers


def test_what_an_answer_says_wins(client: TestClient) -> None:
    policies = client.get("/api/docs").headers.get_list("Content-Security-Policy")
    assert len(policies) == 1
    assert "worker-src blob:" in policies[0]


# What nobody may keep


def test_personal_answers_are_not_kept(
    client: TestClient, headers_for: Callable[[User], dict[str, str]]
) -> None:
    headers = headers_for(UserFactory.create())
    assert client.get("/api/v1/users/me", headers=headers).headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in client.get("/api/v1/items/").headers
    assert client.get("/api/v1/items/", headers=headers).headers["Cache-Control"] == "no-store"


def test_who_signed_in_may_still_ask_conditionally(
    client: TestClient, headers_for: Callable[[User], dict[str, str]]
) -> None:
    path, headers = f"/api/v1/items/{ItemFactory.create().id}", headers_for(UserFactory.create())
    first = client.get(path, headers=headers)
    assert first.headers["Cache-Control"] == "private, no-cache"
    second = client.get(path, headers={**headers, "If-None-Match": first.headers["ETag"]})
    assert second.status_code == 304
    assert "Content-Security-Policy" not in second.headers


# HTTPS


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({}, "max-age=31536000"),
        ({"hsts_seconds": 60, "hsts_preload": True}, "max-age=60; preload"),
        ({"hsts_include_subdomains": True}, "max-age=31536000; includeSubDomains"),
        ({"hsts_seconds": 0}, None),
    ],
)
def test_hsts(build: Build, changes: dict[str, Any], sent: str | None) -> None:
    client = build(**changes)
    for path in ("/", "/health/live", "/api/nowhere", "/static/lintel.css"):
        assert client.get(path).headers.get("Strict-Transport-Security") == sent


@pytest.mark.parametrize(
    ("environment", "scheme"), [("production", "http"), ("development", "https")]
)
def test_no_hsts_elsewhere(build: Build, environment: str, scheme: str) -> None:
    client = build(environment, scheme=scheme)
    assert "Strict-Transport-Security" not in client.get("/health/live").headers


@pytest.mark.parametrize(("scheme", "sent"), [("https", "same-origin"), ("http", None)])
def test_opener_policy(build: Build, scheme: str, sent: str | None) -> None:
    """Over plain HTTP a browser would only complain about it."""
    headers = build("development", scheme=scheme).get("/").headers
    assert headers.get("Cross-Origin-Opener-Policy") == sent


def test_deployed_cookies_are_bound_to_the_host(
    build: Build, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THROTTLING_ENABLED", "false")  # it would count for real
    response = sign_in(build(), UserFactory.create(superuser=True))
    assert response.status_code == 303
    (cookie,) = response.headers.get_list("Set-Cookie")
    assert cookie.startswith("__Host-")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert response.headers["Cache-Control"] == "no-store"


# The nonce


def test_the_nonce_of_a_page(client: TestClient, build: Build) -> None:
    client, router = build("test", scheme="http"), Router()

    @router.get("/inline")
    async def inline(request: Request) -> HTMLResponse:
        template = runtime_of(request).templates.environment.from_string(
            "{{ csp_nonce(request) }} {{ csp_nonce(request) }}"
        )
        return HTMLResponse(template.render(request=request))

    client.app.include_router(router)  # type: ignore[attr-defined]
    pages = [client.get("/inline") for _ in range(2)]
    nonces = [set(page.text.split()) for page in pages]
    assert [len(found) for found in nonces] == [1, 1]
    assert nonces[0] != nonces[1]
    for page, (nonce,) in zip(pages, nonces, strict=True):
        assert f"script-src 'self' 'nonce-{nonce}';" in page.headers["Content-Security-Policy"]
    assert "nonce" not in client.get("/").headers["Content-Security-Policy"]


def test_a_nonce_outside_of_the_middleware() -> None:
    request = Request({"type": "http", "headers": []})
    assert csp_nonce(request) == csp_nonce(request)

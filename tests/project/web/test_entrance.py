"""Which hosts are answered, and over what."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from project.application import create_application
from project.settings import Settings
from tests.database import TestDatabase

Build = Callable[..., TestClient]


@pytest.fixture
def build(settings: Settings, database: TestDatabase) -> Build:
    """Build a client of an application in another environment, with other web settings."""

    def build(environment: str = "test", *, scheme: str = "http", **changes: Any) -> TestClient:
        web = settings.web.model_copy(update=changes)
        general = settings.general.model_copy(update={"environment": environment})
        changed = settings.model_copy(update={"web": web, "general": general})
        app = create_application(changed, database=database, env_file=None)
        return TestClient(app, base_url=f"{scheme}://testserver", follow_redirects=False)

    return build


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("testserver", 200),
        ("testserver:8000", 200),
        ("TestServer", 200),
        ("evil.example", 400),
        ("testserver.evil.example", 400),
        ("testserver@evil.example", 400),
        ("testserver:80:80", 400),
        ("", 400),
    ],
)
def test_hosts(client: TestClient, host: str, status: int) -> None:
    assert client.get("/", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("example.com", 200),
        ("a.example.com", 200),
        ("a.b.EXAMPLE.com:443", 200),
        ("[::1]:8000", 200),
        ("badexample.com", 400),
        ("example.com.evil.example", 400),
    ],
)
def test_hosts_below_a_domain(build: Build, host: str, status: int) -> None:
    client = build(allowed_hosts=(".example.com", "[::1]"))
    assert client.get("/", headers={"Host": host}).status_code == status


def test_bad_host_is_a_problem(client: TestClient) -> None:
    response = client.get("/api/v1/health", headers={"Host": "evil.example"})
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["X-Request-ID"]
    assert "evil" not in response.text


def test_probes_answer_for_any_host(client: TestClient) -> None:
    """Orchestrators call by address. What else begins with the same letters is no probe."""
    for path, status in (("/health/live", 200), ("/healthy", 400), ("/api/v1/health", 400)):
        assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == status


def test_two_hosts_are_none(client: TestClient) -> None:
    headers = [("Host", "testserver"), ("Host", "evil.example")]
    assert client.get("/", headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("environment", "is_told"), [("development", True), ("test", False), ("production", False)]
)
def test_a_developer_is_told_the_setting(build: Build, environment: str, is_told: bool) -> None:
    response = build(environment).get("/api/v1/health", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert ("ALLOWED_HOSTS" in response.json()["detail"]) == is_told


def test_made_up_hosts_are_not_kept_for_ever(client: TestClient) -> None:
    answers = {client.get("/", headers={"Host": f"h{n}"}).status_code for n in range(1100)}
    assert answers == {400}
    assert client.get("/").status_code == 200


# HTTPS


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 308),
        ("HEAD", "/admin/", 308),
        ("POST", "/admin/login", 403),
        ("GET", "/api/v1/health", 403),
        ("POST", "/api/v1/auth/token", 403),
        ("GET", "/health/live", 200),
        ("GET", "/healthy", 308),
    ],
)
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_plain_http_where_strangers_come(
    build: Build, environment: str, method: str, path: str, status: int
) -> None:
    assert build(environment).request(method, path).status_code == status


def test_a_page_leads_to_https(build: Build) -> None:
    client = build("production", allowed_hosts=("testserver",))
    headers = {"Host": "testserver:8080"}
    response = client.get("/guest%20book//evil.example?next=%2F%2Fa", headers=headers)
    assert response.status_code == 308
    location = response.headers["Location"]
    assert location == "https://testserver/guest%20book//evil.example?next=%2F%2Fa"


@pytest.mark.parametrize("environment", ["test", "production"])
@pytest.mark.parametrize(
    "path",
    [
        *("//evil.example", "//evil.example/", "///evil.example/%2f..", "/%2f%2fevil.example/"),
        *("/\\evil.example/", "/%5cevil.example/", "/.evil.example", "/@evil.example/"),
        *("//evil.example/api/v1/users", "/api/v1/users//evil.example", "/api/v1/items"),
        *("/admin/?next=https://evil.example", "/admin//evil.example", "/account/reset/?next=//e"),
    ],
)
def test_no_redirect_leads_elsewhere(build: Build, environment: str, path: str) -> None:
    response = build(environment).get(f"http://testserver{path}")
    location = urljoin("http://testserver/", response.headers.get("Location", "/"))
    assert urlsplit(location).hostname == "testserver"


def test_the_api_says_why(build: Build) -> None:
    headers = {"Authorization": "Bearer x"}
    response = build("production").get("/api/v1/users/me", headers=headers)
    assert response.json()["code"] == "https_required"


@pytest.mark.parametrize(
    ("environment", "changes", "scheme"),
    [
        ("production", {}, "https"),
        ("production", {"https_only": False}, "http"),
        ("development", {}, "http"),
    ],
)
def test_what_comes_in(
    build: Build, environment: str, changes: dict[str, bool], scheme: str
) -> None:
    client = build(environment, scheme=scheme, **changes)
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(("environment", "host"), [("test", "evil.example"), ("production", "")])
def test_websockets_come_through_the_same_door(build: Build, environment: str, host: str) -> None:
    client = build(environment)
    app = client.app
    assert isinstance(app, FastAPI)

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()

    headers = {"Host": host} if host else {}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/socket", headers=headers):
        pass


@pytest.mark.parametrize(
    "path", ["/api/docs", "/api/redoc", "/api/openapi.json", "/api/docs/oauth2-redirect"]
)
def test_production_has_no_documentation(build: Build, path: str) -> None:
    assert build("production", scheme="https").get(path).status_code == 404
    assert build("staging", scheme="https").get(path).status_code == 200

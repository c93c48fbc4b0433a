"""Errors as problems: one shape for machines, pages for people, nothing echoed."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr

from project.application import create_application
from project.errors import Conflict, DomainError, Invalid, NotFound, PreconditionFailed, Unavailable
from project.settings import Settings
from project.web.route import Router
from project.web.schemas import Schema
from tests.database import TestDatabase

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Secret(Schema):
    pin: SecretStr
    number: int


@pytest.fixture
def raising(settings: Settings, database: TestDatabase) -> Callable[..., TestClient]:
    """Build an application whose `/api/raise` and `/raise` raise this error."""

    def build(error: Exception) -> TestClient:
        router = Router()

        @router.get("/raise")
        @router.get("/api/raise")
        def fail() -> None:
            raise error

        @router.post("/api/secret")
        def keep(secret: Secret) -> None: ...

        app = create_application(settings, database=database)
        app.include_router(router)
        return TestClient(app)

    return build


def check_problem(response: Response, status: int, code: str) -> None:
    body = response.json()
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:problem:{code}")
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert body["instance"] == response.url.path
    assert body["title"]
    assert body["detail"]


def test_unknown_path(client: TestClient) -> None:
    check_problem(client.get("/api/v1/nowhere"), 404, "not_found")


@pytest.mark.needs("users")
def test_method_not_allowed(client: TestClient) -> None:
    response = client.put("/api/v1/users/me")
    check_problem(response, 405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) >= {"GET"}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/api/v1/users/", marks=pytest.mark.needs("users")),
        pytest.param("/api/v1/auth/token", marks=pytest.mark.needs("users")),
        pytest.param("/api/v1/items/", marks=pytest.mark.needs("items")),
    ],
)
def test_body_too_large(client: TestClient, settings: Settings, path: str) -> None:
    """Declared, or found out while it comes: the answer is the same."""
    size = settings.web.max_body_size + 1

    def chunks() -> Iterator[bytes]:
        for _ in range(size // 1000 + 1):
            yield b"x" * 1000

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    kind = form if path.endswith("token") else {"Content-Type": "application/json"}
    declared = client.post(path, content=b"x" * size, headers=kind)
    chunked = client.post(path, content=chunks(), headers=kind)
    check_problem(declared, 413, "content_too_large")
    check_problem(chunked, 413, "content_too_large")


@pytest.mark.needs("users")
def test_largest_body_is_read(client: TestClient, settings: Settings) -> None:
    content = b'{"a": "' + b"x" * (settings.web.max_body_size - 9) + b'"}'
    assert len(content) == settings.web.max_body_size
    assert client.post("/api/v1/users/", content=content).status_code == 422


@pytest.mark.needs("users")
def test_invalid_input(client: TestClient) -> None:
    response = client.post("/api/v1/users/", json={"email": "canary", "password": "canary"})
    check_problem(response, 422, "invalid")
    assert [error["loc"] for error in response.json()["errors"]] == [
        ["body", "email"],
        ["body", "password"],
    ]
    assert all(error.keys() == {"loc", "msg", "type"} for error in response.json()["errors"])
    assert "canary" not in response.text


def test_invalid_input_beside_a_secret(raising: Callable[..., TestClient]) -> None:
    body = {"pin": "canary-1234", "number": "canary-5678"}
    response = raising(NotFound()).post("/api/secret", json=body)
    check_problem(response, 422, "invalid")
    assert "canary" not in response.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound(), 404, "not_found"),
        (Conflict("Somebody was faster."), 409, "conflict"),
        (PreconditionFailed(), 412, "precondition_failed"),
        (Invalid(), 422, "invalid"),
        (HTTPException(404), 404, "not_found"),
        (HTTPException(410, "It was here."), 410, "gone"),
        (HTTPException(413), 413, "content_too_large"),
        (HTTPException(414), 414, "uri_too_long"),
        (HTTPException(416), 416, "range_not_satisfiable"),
        (HTTPException(418), 418, "im_a_teapot"),
        (HTTPException(422), 422, "unprocessable_content"),
        (HTTPException(429), 429, "too_many_requests"),
        (HTTPException(499), 499, "error"),
    ],
    ids=str,
)
def test_raised_errors(
    raising: Callable[..., TestClient], error: Exception, status: int, code: str
) -> None:
    """The codes are ours, whatever Python calls a status."""
    check_problem(raising(error).get("/api/raise"), status, code)


def test_detail_of_a_domain_error(raising: Callable[..., TestClient]) -> None:
    body = raising(Conflict("Somebody was faster.")).get("/api/raise").json()
    assert (body["title"], body["detail"]) == ("Conflict", "Somebody was faster.")


def test_unavailable_says_when_to_come_back(raising: Callable[..., TestClient]) -> None:
    response = raising(Unavailable(retry_after=7)).get("/api/raise")
    check_problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "7"


def test_headers_of_an_http_error_are_kept(raising: Callable[..., TestClient]) -> None:
    response = raising(HTTPException(429, headers={"Retry-After": "3"})).get("/api/raise")
    assert response.headers["Retry-After"] == "3"


def test_every_domain_error_is_complete() -> None:
    for error in descendants(DomainError):
        assert 400 <= error.status < 600
        assert re.fullmatch("[a-z_]+", error.code)
        assert error.title[0].isupper()
        assert not error.title.endswith(".")


def descendants(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith(("apps.", "project.")):
            yield child
        yield from descendants(child)


# Pages


@pytest.mark.parametrize("status", [403, 404, 409, 410, 422, 429, 499, 503])
def test_browser_gets_a_page(raising: Callable[..., TestClient], status: int) -> None:
    response = raising(HTTPException(status)).get("/raise", headers=BROWSER)
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Cache-Control"] == "no-store"


def test_browser_gets_a_page_for_a_domain_error(raising: Callable[..., TestClient]) -> None:
    response = raising(Unavailable("Come <b>back</b>.", retry_after=7)).get(
        "/raise", headers=BROWSER
    )
    assert response.headers["Retry-After"] == "7"
    assert "Come &lt;b&gt;back&lt;/b&gt;." in response.text


def test_browser_gets_a_problem_from_the_api(client: TestClient) -> None:
    for path in ("/api/v1/nowhere", "/api/", "/health/nowhere"):
        response = client.get(path, headers=BROWSER)
        assert response.headers["Content-Type"] == "application/problem+json"


def test_program_gets_a_problem_anywhere(client: TestClient) -> None:
    check_problem(client.get("/nowhere"), 404, "not_found")
    check_problem(client.get("/static/nowhere"), 404, "not_found")


@pytest.mark.parametrize("path", ["/%3Cscript%3Ealert(1)%3C/script%3E", "/%00", "/%ff", "/%0d%0a"])
def test_page_escapes_the_path(client: TestClient, path: str) -> None:
    response = client.get(path, headers=BROWSER)
    assert response.status_code == 404
    assert "<script>alert" not in response.text


def test_problem_carries_any_path(client: TestClient) -> None:
    response = client.get("/api/%ff%00%22%0a/\u2028")
    assert json.loads(response.content)["status"] == 404
    assert response.content.isascii()

"""Request ids, the access log, the last catch and origins."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from loguru import logger

from project.application import create_application
from project.logging import request_id, trace_id
from project.settings import Settings
from project.web.route import Router
from tests.database import TestDatabase

Build = Callable[..., TestClient]


@pytest.fixture
def build(settings: Settings, database: TestDatabase) -> Build:
    """Build an application with other web settings, and one router more."""

    def build(router: Router | None = None, **changes: Any) -> TestClient:
        web = settings.web.model_copy(update=changes)
        app = create_application(settings.model_copy(update={"web": web}), database=database)
        if router is not None:
            app.include_router(router)
        return TestClient(app)

    return build


@pytest.fixture
def records() -> Iterator[list[dict[str, Any]]]:
    """The access log's records, as they come."""
    collected: list[dict[str, Any]] = []

    def collect(message: Any) -> None:
        if message.record["extra"].get("logger") == "access":
            collected.append({**message.record["extra"], "message": message.record["message"]})

    sink = logger.add(collect, level=0)
    yield collected
    logger.remove(sink)


# Request ids


def test_request_id_is_made(client: TestClient) -> None:
    ids = {client.get("/").headers["X-Request-ID"] for _ in range(5)}
    assert len(ids) == 5
    assert all(re.fullmatch("[0-9a-f]{32}", made) for made in ids)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/lintel.css", "/api/v1/users/me"])
def test_request_id_is_on_every_answer(client: TestClient, path: str) -> None:
    response = client.get(path, headers={"X-Request-ID": "from-the-proxy_1.2"})
    assert response.headers.get_list("X-Request-ID") == ["from-the-proxy_1.2"]


@pytest.mark.parametrize("offered", ["", "a b", "x" * 65, "ä", "a\nb", '"x"', "<b>"])
def test_implausible_request_id_is_replaced(client: TestClient, offered: str) -> None:
    headers = {b"X-Request-ID": offered.encode("latin-1").replace(b"\n", b"\t")}
    response = client.get("/api/nowhere", headers=headers)
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert response.json()["request_id"] == response.headers["X-Request-ID"]


def test_request_id_reaches_the_thread_and_ends_with_the_request(build: Build) -> None:
    router = Router()

    @router.get("/id")
    def read_id() -> dict[str, str | None]:
        return {"id": request_id.get()}

    response = build(router).get("/id", headers={"X-Request-ID": "mine"})
    assert response.json() == {"id": "mine"}
    assert request_id.get() is None


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", TRACE),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7", None),
        ("\u00e4", None),
    ],
)
def test_trace_is_taken_over_if_it_is_one(build: Build, sent: str, taken: str | None) -> None:
    router = Router()

    @router.get("/trace")
    def read_trace() -> dict[str, str | None]:
        return {"id": trace_id.get()}

    headers = {b"traceparent": sent.encode("latin-1")}
    assert build(router).get("/trace", headers=headers).json() == {"id": taken}
    assert trace_id.get() is None


# The access log


@pytest.mark.needs("users")
def test_access_log(client: TestClient, records: list[dict[str, Any]]) -> None:
    client.get("/api/v1/users/12?token=canary", headers={"X-Request-ID": "mine"})
    (record,) = records
    assert record["route"] == "/api/v1/users/{user_id}"
    assert (record["method"], record["path"]) == ("GET", "/api/v1/users/12")
    assert (record["status"], record["client"], record["request_id"]) == (401, "testclient", "mine")
    assert record["duration_ms"] > 0
    assert "canary" not in json.dumps(record)


def test_access_log_of_a_path_that_is_not_there(
    client: TestClient, records: list[dict[str, Any]]
) -> None:
    client.get("/nowhere/%0aINFO%20forged%1b%5b31m%e2%80%a8?x=canary")
    (record,) = records
    assert record["route"] is None
    assert re.fullmatch(r"[ -~]+", record["path"] + record["message"])
    assert "canary" not in json.dumps(record)


SECRET = "Zk3_" + "aB-9" * 10


@pytest.fixture
def entrance(build: Build) -> TestClient:
    """A client that is let in by HTTPS and by one name alone."""
    return build(allowed_hosts=("testserver",), https_only=True)


@pytest.mark.needs("users")
@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("http://testserver", f"/account/reset/{SECRET}", 308),
        ("https://evil.example", f"/account/reset/{SECRET}", 400),
        ("https://testserver", f"/account/reset/{SECRET}/", 307),
        ("https://testserver", f"//account/reset/{SECRET}", 404),
        ("https://testserver", f"/Account/Reset/{SECRET}.", 404),
    ],
)
def test_access_log_of_a_mailed_link_without_a_route(
    entrance: TestClient, records: list[dict[str, Any]], host: str, path: str, status: int
) -> None:
    response = entrance.get(f"{host}{path}", follow_redirects=False)
    (record,) = records
    assert (response.status_code, record["status"]) == (status, status)
    assert record["path"] == path.replace(SECRET, "{token}")
    assert SECRET not in json.dumps(record)


def test_one_record_a_request(client: TestClient, records: list[dict[str, Any]]) -> None:
    for path in ("/", "/nowhere", "/static/favicon.svg", "/static/lintel.css"):
        client.get(path)
    assert [record["status"] for record in records] == [200, 404, 200, 200]


# The last catch


@pytest.fixture
def broken(build: Build) -> TestClient:
    router = Router()

    @router.get("/api/broken")
    def fail() -> None:
        raise RuntimeError("canary-cause")

    @router.get("/broken")
    async def fail_slowly() -> None:
        raise RuntimeError("canary-cause")

    return build(router)


@pytest.fixture
def log() -> Iterator[list[str]]:
    written: list[str] = []
    sink = logger.add(written.append, level=0, format="{level} {message} {extra}\n{exception}")
    yield written
    logger.remove(sink)


def test_unforeseen_error(broken: TestClient, log: list[str]) -> None:
    response = broken.get("/api/broken")
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "internal_server_error"
    assert response.json()["request_id"] == response.headers["X-Request-ID"]
    assert "canary" not in response.text
    logged = "".join(log)
    assert "RuntimeError: canary-cause" in logged
    assert response.headers["X-Request-ID"] in logged


def test_browser_application_can_read_an_unforeseen_error(build: Build) -> None:
    router = Router()

    @router.get("/api/broken")
    def fail() -> None:
        raise RuntimeError("cause")

    client = build(router, allowed_origins=("https://app.example.com",))
    response = client.get("/api/broken", headers={"Origin": "https://app.example.com"})
    assert response.status_code == 500
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"


def test_unforeseen_error_in_a_browser(broken: TestClient) -> None:
    response = broken.get("/broken", headers={"Accept": "text/html"})
    assert response.status_code == 500
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["X-Request-ID"] in response.text
    assert "canary" not in response.text


def test_unforeseen_error_leaves_the_client_usable(broken: TestClient) -> None:
    assert [broken.get(p).status_code for p in ("/broken", "/", "/broken")] == [
        500,
        200,
        500,
    ]


def test_error_after_the_start_of_the_answer_cuts_it(settings: Settings) -> None:
    """Half an answer must not look like a whole one."""
    from project.web.middleware import RequestContext  # noqa: PLC0415

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        TestClient(RequestContext(half)).get("/")


def test_websockets_pass(build: Build) -> None:
    client = build()
    app = client.app
    assert isinstance(app, FastAPI)

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")

    with client.websocket_connect("/socket") as connection:
        assert connection.receive_text() == "hello"


# Origins


@pytest.fixture
def cors(build: Build) -> TestClient:
    return build(allowed_origins=("https://app.example.com",), max_body_size=2000)


def preflight(client: TestClient, origin: str) -> str | None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
    response = client.options("/api/v1/users/me", headers=headers)
    allowed: str | None = response.headers.get("Access-Control-Allow-Origin")
    return allowed


def test_preflight(cors: TestClient) -> None:
    assert preflight(cors, "https://app.example.com") == "https://app.example.com"
    for origin in ("https://evil.example", "http://app.example.com", "null"):
        assert preflight(cors, origin) is None


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match", "Idempotency-Key"])
def test_an_allowed_app_may_ask_conditionally(cors: TestClient, header: str) -> None:
    origin = {"Origin": "https://app.example.com"}
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": header.lower(),
    }
    assert cors.options("/api/v1/items/1", headers={**origin, **asked}).status_code == 200
    exposed = cors.get("/", headers=origin).headers["Access-Control-Expose-Headers"]
    assert "ETag" in exposed


def test_no_origin_is_allowed_unless_named(client: TestClient) -> None:
    assert preflight(client, "https://app.example.com") is None


@pytest.mark.parametrize("size", [10, 3000])
@pytest.mark.needs("users")
def test_an_allowed_app_can_read_errors(cors: TestClient, size: int) -> None:
    """Those of the routes, and those of the middleware."""
    headers = {"Origin": "https://app.example.com"}
    response = cors.post("/api/v1/users/", content=b"x" * size, headers=headers)
    assert response.status_code == (413 if size == 3000 else 422)
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    ("asked", "status"), [({}, 200), ({"Access-Control-Request-Method": "TRACE"}, 400)]
)
def test_preflight_names_what_is_allowed(
    cors: TestClient, asked: dict[str, str], status: int
) -> None:
    headers = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "DELETE"}
    response = cors.options("/api/v1/items/1", headers={**headers, **asked})
    assert response.status_code == status
    assert "TRACE" not in response.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_preflight_of_a_header_that_is_not_allowed(cors: TestClient) -> None:
    headers = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "x-evil",
    }
    response = cors.options("/api/v1/items/", headers=headers)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"


def test_an_allowed_app_reads_the_limits(cors: TestClient) -> None:
    exposed = cors.get("/health/live", headers={"Origin": "https://app.example.com"})
    names = exposed.headers["Access-Control-Expose-Headers"]
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(names.split(", "))

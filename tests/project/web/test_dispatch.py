"""One look finds what FastAPI finds step by step."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Form
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from loguru import logger
from sqlalchemy.orm import Session

from project.web.dispatch import RouteIndex, index_routes

LEFT = ("route", "endpoint", "path_params", "router")


def scopes(app: FastAPI) -> Iterator[dict[str, Any]]:
    """A request for every API route."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            path = (route.path or "").replace("{", "").replace("}", "")
            for method in route.methods or ():
                yield {"type": "http", "method": method, "path": path, "headers": []}


async def visit(app: Any, scope: dict[str, Any], kept: dict[str, Any]) -> None:
    """Run the scope through, up to the body or to the answer; keep what the way there left."""

    async def stop(*_: Any) -> Any:
        kept.update({name: scope.get(name) for name in LEFT})
        kept["effective"] = scope.get("fastapi", {}).get("effective_route_context")
        raise KeyboardInterrupt

    scope["fastapi_middleware_astack"] = None
    try:
        await app(scope, stop, stop)
    except (KeyboardInterrupt, AssertionError):
        kept.update({name: scope.get(name) for name in LEFT})
        kept["effective"] = scope.get("fastapi", {}).get("effective_route_context")


@pytest.mark.anyio
async def test_the_whole_application(application: FastAPI) -> None:
    """Whatever FastAPI leaves in the scope on its way to a route, the short cut leaves, too."""
    index = application.router.middleware_stack
    assert isinstance(index, RouteIndex)
    seen = 0
    for scope in scopes(application):
        short: dict[str, Any] = {}
        long: dict[str, Any] = {}
        await visit(index, {**scope, "app": application}, short)
        await visit(application.router.app, {**scope, "app": application}, long)
        assert short == long
        assert short["route"] is not None
        seen += 1
    assert seen >= len(application.openapi()["paths"])


@pytest.mark.anyio
@pytest.mark.needs("users")
async def test_forms_go_the_long_way(application: FastAPI) -> None:
    """A form inherits limits from its routers; everything else is found at once."""
    index = application.router.middleware_stack
    assert isinstance(index, RouteIndex)
    long = [s["path"] for s in scopes(application) if index.find(s) is None]
    assert [path for path in long if path.startswith("/api/")] == ["/api/v1/auth/token"]
    assert "/account/reset" in long


@pytest.fixture
def client() -> Iterator[TestClient]:
    """Routes in routers, in an order that matters."""
    app = FastAPI()
    inner, outer = APIRouter(prefix="/things"), APIRouter(prefix="/api")

    @app.get("/api/things/first")
    def first() -> str:
        return "first"

    @inner.get("/{name}")
    def read(name: str) -> str:
        return name

    @inner.get("/first")
    def never() -> str:
        return "never"

    @inner.put("/both")
    def replace() -> None: ...

    @inner.post("/")
    def create(name: Annotated[str, Form()]) -> str:
        return name

    outer.include_router(inner)
    app.include_router(outer)
    index_routes(app)

    @app.get("/late")
    def late() -> str:
        return "late"

    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "answer"),
    [
        ("GET", "/api/things/first", 200, '"first"'),
        ("GET", "/api/things/other", 200, '"other"'),
        ("GET", "/api/things/a%2Fb", 404, "Not Found"),
        ("GET", "/late", 200, '"late"'),
        ("GET", "/api/things/other/", 307, ""),
        ("DELETE", "/api/things/other", 405, "Method Not Allowed"),
        ("GET", "/nothing", 404, "Not Found"),
        ("BREW", "/api/things/other", 405, "Method Not Allowed"),
    ],
)
def test_same_answers(client: TestClient, method: str, path: str, status: int, answer: str) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert answer in response.text


def test_all_methods_are_allowed_for(client: TestClient) -> None:
    """FastAPI itself would name those of the first route that has the path."""
    assert client.delete("/api/things/").headers["allow"] == "POST"
    assert client.delete("/api/things/both").headers["allow"] == "GET, HEAD, PUT"


def test_form(client: TestClient) -> None:
    assert client.post("/api/things/", data={"name": "lamp"}).json() == "lamp"


def test_path_under_a_root(client: TestClient) -> None:
    """A mounted application's paths carry its mount's."""
    mounted = FastAPI()
    mounted.mount("/shop", client.app)
    with TestClient(mounted) as outside:
        assert outside.get("/shop/api/things/other").json() == "other"


def test_a_route_for_everything_comes_first() -> None:
    """It stands before the others, so it answers."""
    app = FastAPI()

    @app.get("/{path:path}")
    def everything(path: str) -> str:
        return f"everything: {path}"

    @app.get("/exact")
    def exact() -> str:
        return "exact"

    index_routes(app)
    with TestClient(app) as client:
        assert client.get("/exact").json() == "everything: exact"


# HEAD


@pytest.mark.needs("users", "items", "orders")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/items/", 200),
        ("/api/v1/users/me", 401),
        ("/api/v1/items/99999", 404),
        ("/health/live", 200),
        ("/", 200),
        ("/static/lintel.css", 200),
        ("/api/v1/auth/token", 405),
        ("/api/v1/orders/1/events", 405),
        ("/nowhere", 404),
    ],
)
def test_head(application_client: TestClient, path: str, status: int) -> None:
    """What GET would answer, its length included, without the body."""
    response = application_client.head(path)
    assert response.status_code == status
    assert response.content == b""
    if status != 405:
        assert (
            response.headers["Content-Length"]
            == application_client.get(path).headers["Content-Length"]
        )


@pytest.fixture
def application_client(application: FastAPI, session: Session) -> TestClient:
    return TestClient(application, follow_redirects=False)


@pytest.mark.needs("items")
def test_head_is_in_the_log_as_it_came(application_client: TestClient) -> None:
    lines: list[Any] = []
    sink = logger.add(lambda message: lines.append(message.record["extra"]), level=0)
    application_client.head("/api/v1/users/12")
    logger.remove(sink)
    found = [(line["method"], line["route"]) for line in lines if line.get("logger") == "access"]
    assert found == [("HEAD", "/api/v1/users/{user_id}")]

"""The law: one hop, one transaction, commit before the response."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import anyio.to_thread
import pytest
from fastapi import Cookie, Depends, FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.application import create_application
from project.errors import AppError
from project.settings import Settings
from project.web.route import Router, in_lane
from project.web.schemas import Schema
from project.web.transaction import DbSession, InTransaction, InTransactions
from project.web.versions import refuse_unknown_lanes
from tests.database import TestDatabase
from tests.people import Person

SignIn = Callable[..., dict[str, str]]


class Answer(Schema):
    value: int


@pytest.fixture
def build(settings: Settings, database: TestDatabase) -> Iterator[Callable[..., TestClient]]:
    """Build an application with one router more and start it."""
    clients: list[TestClient] = []

    def build(router: Router, settings: Settings = settings) -> TestClient:
        app = create_application(settings, database=database)
        app.include_router(router)
        client = TestClient(app)
        client.__enter__()
        clients.append(client)
        return client

    yield build
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every hand-over of work to a thread, by whichever way."""
    counted: list[str] = []
    submit, run_sync = ThreadPoolExecutor.submit, anyio.to_thread.run_sync

    def counting_submit(pool: ThreadPoolExecutor, *args: object, **kwargs: object) -> object:
        counted.append(str(pool._thread_name_prefix))
        return submit(pool, *args, **kwargs)  # type: ignore[arg-type]

    async def counting_run_sync(*args: object, **kwargs: object) -> object:
        counted.append("anyio")
        return await run_sync(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ThreadPoolExecutor, "submit", counting_submit)
    monkeypatch.setattr(anyio.to_thread, "run_sync", counting_run_sync)
    return counted


def test_authenticated_request_makes_one_hop(
    client: TestClient, signed_in: SignIn, hops: list[str]
) -> None:
    headers = signed_in()
    hops.clear()
    assert client.get("/api/v1/users/me", headers=headers).status_code == 200
    assert hops == ["database"]


def test_authenticated_list_makes_one_hop(
    client: TestClient, signed_in: SignIn, hops: list[str]
) -> None:
    headers = signed_in(staff=True)
    hops.clear()
    assert client.get("/api/v1/users/", headers=headers).status_code == 200
    assert hops == ["database"]


@pytest.mark.needs("users")
def test_refused_token_makes_no_hop(client: TestClient, hops: list[str]) -> None:
    response = client.get("/api/v1/users/me", headers={"Authorization": "Bearer forged"})
    assert response.status_code == 401
    assert hops == []


@pytest.mark.committed
@pytest.mark.anyio
async def test_200_requests_on_a_pool_of_5(
    settings: Settings, database: TestDatabase, session: Session, signed_in: SignIn
) -> None:
    """Every one is answered; nobody times out in the pool, and it is idle afterwards."""
    headers = signed_in()
    small = settings.database.model_copy(update={"pool_size": 5, "queue_timeout": 60.0})
    app = create_application(
        settings.model_copy(update={"database": small}), database=_open_small(database, 5)
    )
    async with AsyncClient(
        transport=ASGITransport(app), base_url="http://testserver", timeout=60
    ) as client:
        requests = (client.get("/api/v1/users/me", headers=headers) for _ in range(200))
        statuses = [response.status_code for response in await asyncio.gather(*requests)]
    pool = app.state.runtime.database.engine.pool
    assert statuses == [200] * 200
    assert (pool.checkedout(), pool.size()) == (0, 5)
    app.state.runtime.lanes.close()
    app.state.runtime.database.engine.dispose()


def _open_small(database: TestDatabase, size: int) -> TestDatabase:
    from project.db.engine import create_pooled_engine  # noqa: PLC0415
    from project.settings import DatabaseSettings  # noqa: PLC0415

    url = database.engine.url.render_as_string(hide_password=False)
    return TestDatabase(create_pooled_engine(url, DatabaseSettings(pool_size=size)))


@pytest.mark.committed
@pytest.mark.anyio
async def test_flood_is_shed_with_503(settings: Settings, database: TestDatabase) -> None:
    """Past the bounds of the queue the answer is a problem that says when to come back."""
    tight = settings.database.model_copy(update={"pool_size": 2, "queue_size": 4})
    app = create_application(
        settings.model_copy(update={"database": tight}), database=_open_small(database, 2)
    )
    router = Router()

    @router.get("/slow")
    def slow(session: DbSession) -> Answer:
        session.execute(text("SELECT pg_sleep(0.3)"))
        return Answer(value=1)

    @router.get("/live")
    async def live_on() -> Answer:
        return Answer(value=2)

    app.include_router(router)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
        responses = await asyncio.gather(*(client.get("/slow") for _ in range(20)))
        live = await client.get("/live")
    statuses = [response.status_code for response in responses]
    refused = next(response for response in responses if response.status_code == 503)
    assert statuses.count(200) == 6
    assert statuses.count(503) == 14
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["code"] == "busy"
    assert live.status_code == 200
    app.state.runtime.lanes.close()
    app.state.runtime.database.engine.dispose()


@pytest.mark.committed
def test_failed_commit_is_no_success(build: Callable[..., TestClient], session: Session) -> None:
    """A constraint that is checked at commit turns the answer into an error: no false 201."""
    session.execute(
        text(
            "CREATE TABLE law (id int PRIMARY KEY, parent int REFERENCES law "
            "DEFERRABLE INITIALLY DEFERRED)"
        )
    )
    session.commit()
    router = Router()

    @router.post("/law", status_code=201)
    def create(session: DbSession) -> Answer:
        session.execute(text("INSERT INTO law VALUES (1, 99)"))
        return Answer(value=1)

    response = build(router).post("/law")
    count = session.scalar(text("SELECT count(*) FROM law"))
    session.execute(text("DROP TABLE law"))
    session.commit()
    assert response.status_code == 409
    assert count == 0


@pytest.mark.committed
def test_error_rolls_back(build: Callable[..., TestClient], session: Session) -> None:
    router = Router()

    @router.post("/fail")
    def fail(session: DbSession) -> Answer:
        session.add(Person(email="gone@example.com"))
        session.flush()
        raise RuntimeError("after the flush")

    assert build(router).post("/fail").status_code == 500
    assert session.query(Person).count() == 0


@pytest.mark.committed
def test_invalid_response_rolls_back(build: Callable[..., TestClient], session: Session) -> None:
    """The response is validated before the commit, so a broken one saves nothing."""
    router = Router()

    @router.post("/broken")
    def broken(session: DbSession) -> Answer:
        session.add(Person(email="gone@example.com"))
        return {"value": "no number"}  # type: ignore[return-value]

    assert build(router).post("/broken").status_code == 500
    assert session.query(Person).count() == 0


def test_response_is_serialised_inside_the_session(build: Callable[..., TestClient]) -> None:
    """A property that queries still works while the response is rendered."""
    router = Router()

    class Lazy:
        def __init__(self, session: Session) -> None:
            self._session = session

        @property
        def value(self) -> int:
            return int(self._session.scalar(text("SELECT 7")) or 0)

    @router.get("/lazy")
    def lazy(session: DbSession) -> Answer:
        return Lazy(session)  # type: ignore[return-value]

    assert build(router).get("/lazy").json() == {"value": 7}


def test_injected_response_counts(build: Callable[..., TestClient]) -> None:
    """Headers, cookies and the status set on an injected response arrive."""
    router = Router()

    @router.get("/set")
    def set_things(response: Response) -> Answer:
        response.headers["X-Set"] = "yes"
        response.set_cookie("seen", "1")
        response.status_code = 202
        return Answer(value=1)

    response = build(router).get("/set")
    assert response.status_code == 202
    assert response.headers["X-Set"] == "yes"
    assert response.cookies["seen"] == "1"


def test_no_content_has_no_body(build: Callable[..., TestClient]) -> None:
    router = Router()

    @router.delete("/thing", status_code=204)
    def delete() -> None: ...

    response = build(router).delete("/thing")
    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers


def test_own_response_passes_through(build: Callable[..., TestClient]) -> None:
    router = Router()

    @router.get("/csv")
    def csv(session: DbSession) -> Response:
        return Response(f"{session.scalar(text('SELECT 1'))};", media_type="text/csv")

    response = build(router).get("/csv")
    assert response.text == "1;"
    assert response.headers["content-type"].startswith("text/csv")


def wanted(limit: Annotated[int, Query(le=10)] = 3, shade: Annotated[str, Cookie()] = "red") -> str:
    return f"{shade}{limit}"


def test_one_name_with_two_meanings_is_refused() -> None:
    def provided(choice: Annotated[str, InTransaction(wanted)], limit: int = 3) -> str:
        return f"{choice}{limit}"

    with pytest.raises(TypeError, match="'limit' is declared differently by the provider wanted"):
        Router().get("/provided")(provided)


def test_provider_parameters_are_parsed(build: Callable[..., TestClient]) -> None:
    """A provider's own parameters are request parameters, documented as the route's."""
    router = Router()

    @router.get("/provided")
    def provided(choice: Annotated[str, InTransaction(wanted)]) -> dict[str, str]:
        return {"choice": choice}

    client = build(router)
    parameters = client.get("/api/openapi.json").json()["paths"]["/provided"]["get"]["parameters"]
    assert {parameter["name"] for parameter in parameters} == {"limit", "shade"}
    assert client.get("/provided?limit=2").json() == {"choice": "red2"}
    assert client.get("/provided?limit=11").status_code == 422


def test_provider_runs_once_and_can_be_overridden(build: Callable[..., TestClient]) -> None:
    router = Router()
    calls: list[str] = []

    def base(session: DbSession) -> str:
        calls.append("base")
        return "base"

    based = Annotated[str, InTransaction(base)]

    def upper(base: based) -> str:
        return base.upper()

    @router.get("/twice")
    def twice(one: based, two: Annotated[str, InTransaction(upper)]) -> dict[str, str]:
        return {"one": one, "two": two}

    client = build(router)
    assert client.get("/twice").json() == {"one": "base", "two": "BASE"}
    assert calls == ["base"]
    app = client.app
    assert isinstance(app, FastAPI)
    app.dependency_overrides[base] = lambda: "mine"
    assert client.get("/twice").json() == {"one": "mine", "two": "MINE"}


def test_ordinary_dependencies_still_work(build: Callable[..., TestClient]) -> None:
    router = Router()

    async def double(request: Request, number: int) -> int:
        assert request.url.path == "/doubled"
        return number * 2

    @router.get("/doubled")
    def doubled(value: Annotated[int, Depends(double)], request: Request) -> Answer:
        assert request.query_params["number"] == "4"
        return Answer(value=value)

    assert build(router).get("/doubled?number=4").json() == {"value": 8}


def test_async_route_works_in_transactions(build: Callable[..., TestClient]) -> None:
    router = Router()

    @router.get("/async")
    async def waits(transactions: InTransactions) -> Answer:
        value = await transactions.run(lambda session: session.scalar(text("SELECT 5")))
        return Answer(value=value or 0)

    assert build(router).get("/async").json() == {"value": 5}


def test_override_asks_for_no_more_than_the_route(build: Callable[..., TestClient]) -> None:
    router = Router()

    @router.get("/overridden")
    def overridden(choice: Annotated[str, InTransaction(wanted)]) -> dict[str, str]:
        return {"choice": choice}

    client = build(router)
    assert isinstance(client.app, FastAPI)
    client.app.dependency_overrides[wanted] = lambda size=5: f"mine{size}"
    assert client.get("/overridden").json() == {"choice": "mine5"}


def test_include_time_response_class_counts(build: Callable[..., TestClient]) -> None:
    inner, outer = Router(), Router()

    @inner.get("/page")
    def page(session: DbSession) -> str:
        return "<p>hello</p>"

    outer.include_router(inner, default_response_class=HTMLResponse)
    response = build(outer).get("/page")
    assert response.headers["content-type"].startswith("text/html")
    assert response.text == "<p>hello</p>"


async def waits(session: DbSession) -> str:
    return "never run"


def yields(session: DbSession) -> Iterator[str]:
    yield "never run"


@pytest.mark.parametrize("provider", [waits, yields])
def test_provider_that_would_not_run_is_refused(provider: Callable[..., object]) -> None:
    def guarded(choice: Annotated[object, InTransaction(provider)]) -> None: ...

    with pytest.raises(TypeError, match="must be a plain def that returns"):
        Router().get("/guarded")(guarded)


def test_unknown_lane_is_refused(settings: Settings, database: TestDatabase) -> None:
    app = create_application(settings, database=database)
    router = Router()

    @router.get("/typo")
    @in_lane("hahs")
    def typo() -> None: ...

    app.include_router(router)
    with pytest.raises(AppError, match="/typo is declared in the lane 'hahs'"):
        refuse_unknown_lanes(app, app.state.runtime.lanes)


def test_async_route_with_sync_session_is_refused() -> None:
    async def blocks(session: DbSession) -> Answer:
        return Answer(value=1)

    with pytest.raises(TypeError, match="asks for the sync session but is async"):
        Router().get("/blocks")(blocks)


def test_streaming_route_with_session_is_refused() -> None:
    def streams(session: DbSession) -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="streams; read what it needs"):
        Router().get("/streams")(streams)


def test_other_lane_has_no_session() -> None:
    @in_lane("hash")
    def hashes(session: DbSession) -> Answer:
        return Answer(value=1)

    with pytest.raises(TypeError, match="runs in the hash lane, which has no session"):
        Router().get("/hashes")(hashes)


def test_route_runs_in_its_lane(build: Callable[..., TestClient], hops: list[str]) -> None:
    router = Router()

    @router.get("/hashed")
    @in_lane("hash")
    def hashed() -> Answer:
        return Answer(value=1)

    client = build(router)
    hops.clear()
    assert client.get("/hashed").status_code == 200
    assert hops == ["hash"]

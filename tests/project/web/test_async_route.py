"""The law on the async side: one transaction, committed before the response."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import QueuePool, select, text
from sqlalchemy.orm import Session

from project.application import create_application
from project.settings import Settings
from project.web.principal import CurrentPrincipal, CurrentStaff
from project.web.route import Router, transactional
from project.web.schemas import Schema
from project.web.transaction import AsyncDbSession, DbSession, InTransaction
from tests.database import TestDatabase
from tests.people import Person, PersonFactory

SignIn = Callable[..., dict[str, str]]

Build = Callable[[Router], TestClient]


class Answer(Schema):
    value: int


@pytest.fixture
def build(settings: Settings, database: TestDatabase) -> Iterator[Build]:
    """Build an application with one router more and start it."""
    clients: list[TestClient] = []

    def build(router: Router) -> TestClient:
        app = create_application(settings, database=database)
        app.include_router(router)
        clients.append(TestClient(app).__enter__())
        return clients[-1]

    yield build
    for client in clients:
        client.__exit__(None, None, None)


def runtime_pools(client: TestClient) -> tuple[int, int]:
    """What the async side holds: places in the gate, connections of the pool."""
    assert isinstance(client.app, FastAPI)
    runtime = client.app.state.runtime
    pool = runtime.async_database.engine.pool
    assert isinstance(pool, QueuePool)
    return runtime.async_gate.running, pool.checkedout()


def test_same_providers_as_in_a_def_route(build: Build, signed_in: SignIn) -> None:
    """In this test even the same uncommitted data: it is rolled back as any other."""
    router, person = Router(), PersonFactory()

    @router.get("/me")
    async def me(session: AsyncDbSession, principal: CurrentPrincipal) -> dict[str, Any]:
        email = await session.scalar(select(Person.email).where(Person.id == person.id))
        return {"is_staff": principal.is_staff, "email": email}

    @router.get("/staff")
    async def staff(principal: CurrentStaff) -> None: ...

    client, headers = build(router), signed_in()
    assert client.get("/me").status_code == 401
    assert client.get("/me", headers=headers).json() == {
        "is_staff": False,
        "email": person.email,
    }
    assert client.get("/staff", headers=headers).status_code == 403


@pytest.mark.committed
def test_makes_no_thread_hop(build: Build) -> None:
    router, threads = Router(), set[int]()

    def here(session: DbSession) -> int:
        threads.add(threading.get_ident())
        return session.scalar(text("SELECT 1")) or 0

    @router.get("/here")
    async def endpoint(one: Annotated[int, InTransaction(here)]) -> Answer:
        threads.add(threading.get_ident())
        return Answer(value=one)

    assert build(router).get("/here").json() == {"value": 1}
    assert len(threads) == 1


@pytest.mark.committed
def test_one_transaction_for_providers_and_endpoint(build: Build) -> None:
    router = Router()
    query = text("SELECT txid_current()")

    def first(session: DbSession) -> int:
        return session.scalar(query) or 0

    @router.post("/ids")
    async def ids(
        session: AsyncDbSession, number: Annotated[int, InTransaction(first)]
    ) -> list[int | None]:
        return [number, await session.scalar(query)]

    one, two = build(router).post("/ids").json()
    assert one == two


@pytest.mark.committed
def test_commits(build: Build, session: Session) -> None:
    router = Router()

    @router.post("/users", status_code=201)
    async def create(session: AsyncDbSession, response: Response) -> Answer:
        session.add(Person(email="kept@example.com"))
        response.headers["X-Set"] = "yes"
        return Answer(value=1)

    client = build(router)
    answer = client.post("/users")
    assert (answer.status_code, answer.json(), answer.headers["X-Set"]) == (
        201,
        {"value": 1},
        "yes",
    )
    assert session.scalars(select(Person.email)).all() == ["kept@example.com"]
    assert runtime_pools(client) == (0, 0)


@pytest.mark.committed
def test_failed_commit_is_no_success(build: Build, session: Session) -> None:
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
    async def create(session: AsyncDbSession) -> Answer:
        await session.execute(text("INSERT INTO law VALUES (1, 99)"))
        return Answer(value=1)

    client = build(router)
    response = client.post("/law")
    count = session.scalar(text("SELECT count(*) FROM law"))
    session.execute(text("DROP TABLE law"))
    session.commit()
    assert (response.status_code, count) == (409, 0)
    assert runtime_pools(client) == (0, 0)


@pytest.mark.committed
@pytest.mark.parametrize("broken", ["raises", "returns nonsense"])
def test_error_rolls_back(build: Build, session: Session, broken: str) -> None:
    router = Router()

    @router.post("/fail")
    async def fail(session: AsyncDbSession) -> Answer:
        session.add(Person(email="gone@example.com"))
        await session.flush()
        if broken == "raises":
            raise RuntimeError
        return {"value": "no number"}  # type: ignore[return-value]

    client = build(router)
    assert client.post("/fail").status_code == 500
    assert session.scalars(select(Person)).all() == []
    assert runtime_pools(client) == (0, 0)


@pytest.mark.committed
def test_get_only_reads(build: Build, session: Session) -> None:
    router = Router()

    @router.get("/writes")
    async def writes(session: AsyncDbSession) -> None:
        session.add(Person(email="refused@example.com"))

    @router.get("/may")
    @transactional
    async def may(session: AsyncDbSession) -> None:
        session.add(Person(email="saved@example.com"))

    client = build(router)
    assert client.get("/writes").status_code == 500
    assert client.get("/may").status_code == 200
    assert session.scalars(select(Person.email)).all() == ["saved@example.com"]


@pytest.mark.committed
def test_lost_transaction_is_run_again(build: Build) -> None:
    router, attempts = Router(), list[int]()

    @router.post("/lost")
    async def lost(session: AsyncDbSession, response: Response) -> Answer:
        attempts.append(1)
        response.headers.append("X-Attempt", str(len(attempts)))
        if len(attempts) < 3:
            await session.execute(text("DO $$ BEGIN RAISE 'lost' USING ERRCODE = '40001'; END $$"))
        return Answer(value=len(attempts))

    answer = build(router).post("/lost")
    assert answer.json() == {"value": 3}
    assert answer.headers.get_list("X-Attempt") == ["3"]


def test_response_is_serialised_inside_the_session(build: Build) -> None:
    router = Router()

    class Lazy:
        def __init__(self, session: Session) -> None:
            self._session = session

        @property
        def value(self) -> int:
            return self._session.scalar(text("SELECT 7")) or 0

    @router.get("/lazy")
    async def lazy(session: AsyncDbSession) -> Answer:
        return Lazy(session.sync_session)  # type: ignore[return-value]

    assert build(router).get("/lazy").json() == {"value": 7}


def test_provider_can_be_overridden(build: Build) -> None:
    router = Router()

    def number(session: DbSession) -> int:
        return session.scalar(text("SELECT 1")) or 0

    @router.get("/number")
    async def endpoint(number: Annotated[int, InTransaction(number)]) -> Answer:
        return Answer(value=number)

    client = build(router)
    assert isinstance(client.app, FastAPI)
    client.app.dependency_overrides[number] = lambda: 9
    assert client.get("/number").json() == {"value": 9}


@pytest.mark.committed
@pytest.mark.anyio
async def test_200_requests_on_a_pool_of_2(
    settings: Settings, database: TestDatabase, session: Session, signed_in: SignIn
) -> None:
    headers = signed_in()
    app, router = create_application(patient(settings, 200), database=database), Router()

    @router.post("/me")
    async def me(session: AsyncDbSession, principal: CurrentPrincipal) -> Answer:
        return Answer(value=await session.scalar(text("SELECT 1")) or 0)

    app.include_router(router)
    runtime = app.state.runtime
    async with AsyncClient(
        transport=ASGITransport(app), base_url="http://testserver", timeout=60
    ) as client:
        requests = (client.post("/me", headers=headers) for _ in range(200))
        statuses = [response.status_code for response in await asyncio.gather(*requests)]
    pool = runtime.async_database.engine.pool
    assert statuses == [200] * 200
    assert (pool.checkedout(), pool.checkedin(), runtime.async_gate.running) == (0, 2, 0)
    await runtime.async_database.close()


def patient(settings: Settings, queue_size: int) -> Settings:
    update = {"async_pool_size": 2, "queue_size": queue_size, "queue_timeout": 60.0}
    return settings.model_copy(update={"database": settings.database.model_copy(update=update)})


@pytest.mark.committed
@pytest.mark.anyio
async def test_flood_is_shed_with_503(settings: Settings, database: TestDatabase) -> None:
    app, router = create_application(patient(settings, 4), database=database), Router()

    @router.get("/slow")
    async def slow(session: AsyncDbSession) -> Answer:
        await session.execute(text("SELECT pg_sleep(0.3)"))
        return Answer(value=1)

    app.include_router(router)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
        responses = await asyncio.gather(*(client.get("/slow") for _ in range(20)))
    statuses = [response.status_code for response in responses]
    refused = next(response for response in responses if response.status_code == 503)
    assert (statuses.count(200), statuses.count(503)) == (6, 14)
    assert (refused.headers["Retry-After"], refused.json()["code"]) == ("1", "busy")
    await app.state.runtime.async_database.close()


def in_plain_route(session: AsyncDbSession) -> None: ...


def in_provider(value: Annotated[None, InTransaction(in_plain_route)]) -> None: ...


async def in_stream(session: AsyncDbSession) -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("endpoint", [in_plain_route, in_provider, in_stream])
def test_async_session_elsewhere_is_refused(endpoint: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match="asks for the async session, which is for"):
        Router().get("/refused")(endpoint)


def test_sync_session_in_a_stream_is_refused() -> None:
    async def streams(session: DbSession) -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match="streams; take what a provider reads"):
        Router().get("/streams")(streams)

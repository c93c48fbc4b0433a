"""Streams: refused with a status, holding nothing while they run, closed when their client goes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.types import Message

from project.application import create_application
from project.errors import NotFound, Unauthenticated
from project.settings import Settings
from project.web.principal import CurrentPrincipal, stream_seconds
from project.web.route import Router
from project.web.schemas import Schema
from project.web.transaction import DbSession, InTransaction
from tests.database import TestDatabase

SignIn = Callable[..., dict[str, str]]

pytestmark = pytest.mark.anyio


class Line(Schema):
    number: int
    is_known: bool


class Client:
    """A client of an ASGI application that decides when it reads and when it goes."""

    def __init__(self, app: FastAPI, path: str, *, reads: bool = True) -> None:
        self.received: asyncio.Queue[Message] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._reads = reads
        self._sent_request = False
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
            "scheme": "http",
        }
        self.request = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        if not self._sent_request:
            self._sent_request = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.received.put(message)
        if not self._reads and message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def next(self) -> Message:
        async with asyncio.timeout(10):
            return await self.received.get()

    async def go(self) -> None:
        self._gone.set()
        async with asyncio.timeout(10):
            await self.request


@pytest.fixture
def extend(settings: Settings, database: TestDatabase) -> Callable[[Router], FastAPI]:
    def extend(router: Router) -> FastAPI:
        app = create_application(settings, database=database)
        app.include_router(router)
        return app

    return extend


def forbidden(session: DbSession) -> int:
    raise NotFound


def pid(session: DbSession) -> int:
    return session.scalar(text("SELECT pg_backend_pid()")) or 0


async def test_refusal_is_a_status(extend: Callable[[Router], FastAPI], signed_in: SignIn) -> None:
    router, headers = Router(), signed_in()

    @router.get("/hidden", response_class=EventSourceResponse)
    async def hidden(
        principal: CurrentPrincipal, value: Annotated[int, InTransaction(forbidden)]
    ) -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(data=value)

    transport = ASGITransport(extend(router))
    async with AsyncClient(transport=transport, base_url="http://testserver") as client:
        assert (await client.get("/hidden")).status_code == 401
        answer = await client.get("/hidden", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_parsed_and_documented_as_any_route(
    extend: Callable[[Router], FastAPI], session: Session
) -> None:
    router = Router()

    @router.get("/count", response_class=EventSourceResponse)
    async def count(
        first: int, process: Annotated[int, InTransaction(pid)]
    ) -> AsyncIterator[ServerSentEvent]:
        """Count."""
        assert process > 0
        yield ServerSentEvent(event="number", data=first, retry=1000)

    app = extend(router)
    operation = app.openapi()["paths"]["/count"]["get"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["first"]
    assert "text/event-stream" in operation["responses"]["200"]["content"]
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
        assert (await client.get("/count?first=x")).status_code == 422
        answer = await client.get("/count?first=3")
    assert answer.text == "event: number\ndata: 3\nretry: 1000\n\n"
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_lines_of_json(extend: Callable[[Router], FastAPI], session: Session) -> None:
    router = Router()

    @router.get("/lines")
    async def lines(process: Annotated[int, InTransaction(pid)]) -> AsyncIterator[Line]:
        for number in range(2):
            yield Line(number=number, is_known=process > 0)

    transport = ASGITransport(extend(router))
    async with AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.get("/lines")
    assert answer.text == '{"number":0,"is_known":true}\n{"number":1,"is_known":true}\n'
    assert answer.headers["content-type"].startswith("application/jsonl")


@pytest.mark.committed
async def test_holds_no_connection(extend: Callable[[Router], FastAPI]) -> None:
    router = Router()

    @router.get("/held", response_class=EventSourceResponse)
    async def held(process: Annotated[int, InTransaction(pid)]) -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(data=process)
        await asyncio.Event().wait()

    app = extend(router)
    client = Client(app, "/held")
    assert (await client.next())["status"] == 200
    assert b"data: " in (await client.next())["body"]
    runtime = app.state.runtime
    pool: Any = runtime.async_database.engine.pool
    assert (pool.checkedout(), runtime.async_gate.running) == (0, 0)
    await client.go()
    await runtime.async_database.close()


@pytest.mark.parametrize("reads", [True, False])
async def test_closed_when_the_client_goes(
    extend: Callable[[Router], FastAPI], session: Session, *, reads: bool
) -> None:
    """At once, and wherever it stands: waiting for news, or for a reader that does not read."""
    router, open_streams = Router(), list[str]()

    @router.get("/endless", response_class=EventSourceResponse)
    async def endless() -> AsyncIterator[ServerSentEvent]:
        open_streams.append("open")
        try:
            while True:
                yield ServerSentEvent(data="x")
                await asyncio.sleep(0)
                if reads:
                    await asyncio.Event().wait()
        finally:
            open_streams.clear()

    client = Client(extend(router), "/endless", reads=reads)
    await client.next()
    await client.next()
    assert open_streams == ["open"]
    await client.go()
    assert open_streams == []


async def test_a_stream_ends_with_its_token() -> None:
    with pytest.raises(Unauthenticated):
        await stream_seconds({"exp": 0})
    assert 500 < await stream_seconds({"exp": 4e9}) <= 600
    assert 500 < await stream_seconds({}) <= 600

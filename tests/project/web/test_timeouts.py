"""A request has an answer in time, or comes to nothing."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi import BackgroundTasks, Request
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from project.application import create_application
from project.settings import Settings, load_settings
from project.web.route import Router
from project.web.transaction import AsyncDbSession, DbSession, InTransactions
from tests.database import TestDatabase
from tests.people import Person
from tests.processes import until

pytestmark = pytest.mark.committed

Serve = Callable[[Router], TestClient]
EMAIL = "late@example.com"


@pytest.fixture
def serve(settings: Settings, database: TestDatabase) -> Iterator[Serve]:
    """Serve a router's routes, with half a second for each request."""
    web = settings.web.model_copy(update={"request_timeout": 0.5})
    with ExitStack() as stack:

        def serve(router: Router) -> TestClient:
            app = create_application(settings.model_copy(update={"web": web}), database=database)
            app.include_router(router)
            client = TestClient(app, raise_server_exceptions=False)
            return stack.enter_context(client)

        yield serve


def assert_timeout(client: TestClient, method: str = "GET") -> None:
    answer = client.request(method, "/slow")
    assert (answer.status_code, answer.json()["code"]) == (503, "request_timeout")
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["X-Request-ID"]


def count_late(session: Session) -> int | None:
    return session.scalar(select(func.count(Person.id)).where(Person.email == EMAIL))


def test_what_waits(serve: Serve) -> None:
    router = Router()

    @router.get("/slow")
    async def slow() -> None:
        await asyncio.Event().wait()

    assert_timeout(serve(router))


def test_a_body_that_does_not_come(serve: Serve) -> None:
    router = Router()

    @router.post("/slow")
    async def slow(request: Request) -> None:
        request._receive = asyncio.Event().wait  # type: ignore[assignment]
        await request.body()

    assert_timeout(serve(router), "POST")


def test_a_thread_that_comes_too_late_saves_nothing(serve: Serve, session: Session) -> None:
    """The client has heard that it took too long; then nothing may come of it."""
    router, gone, ended = Router(), threading.Event(), threading.Event()

    @router.post("/slow")
    def slow(own: DbSession) -> None:
        with ExitStack() as stack:
            stack.callback(ended.set)
            own.add(Person(email=EMAIL))
            own.flush()
            assert gone.wait(30)

    client = serve(router)
    assert_timeout(client, "POST")
    gone.set()
    assert ended.wait(30)
    lane = client.app.state.runtime.lanes.database  # type: ignore[attr-defined]
    until(lambda: not lane.running, "the thread's end")
    assert count_late(session) == 0


def test_the_async_side_saves_nothing(serve: Serve, session: Session) -> None:
    router = Router()

    @router.post("/slow")
    async def slow(own: AsyncDbSession) -> None:
        own.add(Person(email=EMAIL))
        await own.flush()
        await asyncio.Event().wait()

    assert_timeout(serve(router), "POST")
    assert count_late(session) == 0


def test_an_answer_that_has_begun_may_take_its_time(serve: Serve) -> None:
    router = Router()

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        async def content() -> AsyncIterator[str]:
            yield "first "
            await asyncio.sleep(0.7)
            yield "last"

        return StreamingResponse(content())

    assert serve(router).get("/stream").text == "first last"


def test_what_follows_the_answer_may_take_its_time(serve: Serve, session: Session) -> None:
    """Nobody waits for a background task, so it may still save something."""
    router = Router()

    @router.post("/answer")
    async def answer(transactions: InTransactions, background: BackgroundTasks) -> None:
        async def follow() -> None:
            await asyncio.sleep(0.7)
            await transactions.run(lambda own: own.add(Person(email=EMAIL)))

        background.add_task(follow)

    assert serve(router).post("/answer").status_code == 200
    assert count_late(session) == 1


def test_own_timeouts_are_errors(serve: Serve) -> None:
    """A TimeoutError of the application's own is not mistaken for this one."""
    router = Router()

    @router.get("/slow")
    async def slow() -> None:
        raise TimeoutError("of something else")

    assert serve(router).get("/slow").status_code == 500


def test_what_it_waits_for_takes_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUEST_TIMEOUT", "2")
    database = load_settings(env_file=None).database
    assert (database.statement_timeout, database.lock_timeout) == (1.0, 0.5)
    assert database.queue_timeout == 1.0


def test_a_statement_ends_before_its_request(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, database: TestDatabase
) -> None:
    """With the process's own settings PostgreSQL gives up first, and says why."""
    monkeypatch.setenv("REQUEST_TIMEOUT", "1")
    url = database.engine.url.difference_update_query(["options"])
    monkeypatch.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
    app, router = create_application(load_settings(env_file=None)), Router()

    @router.get("/slow")
    def slow(own: DbSession) -> None:
        own.execute(text("SELECT pg_sleep(30)"))

    app.include_router(router)
    with TestClient(app) as client:
        answer = client.get("/slow")
    assert answer.status_code == 503
    assert answer.json()["code"] != "request_timeout"

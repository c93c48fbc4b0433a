"""What requests cost, counted around an application."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, text
from starlette.types import Receive, Scope, Send

from loadtests.lab.probe.requests import UNKNOWN, Requests, count_all_queries
from project.web import costs
from tests.database import TestDatabase


@pytest.fixture
def every_engine() -> Iterator[None]:
    count_all_queries()
    yield
    event.remove(Engine, "before_cursor_execute", costs._begin)
    event.remove(Engine, "after_cursor_execute", costs._end)


def test_statements_of_any_engine_count_for_their_route(
    every_engine: None, engine_database: TestDatabase
) -> None:
    app = FastAPI()

    @app.get("/words/{word}")
    def read(word: str) -> str:
        with engine_database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            connection.execute(text("SELECT 2"))
        return word

    requests = Requests(app)
    client = TestClient(requests)
    client.get("/words/a")
    client.get("/words/b")
    client.get("/nowhere")
    assert requests.take_routes() == {"GET /words/{word}": [2, 4], f"GET {UNKNOWN}": [1, 0]}
    assert requests.take_routes() == {}
    assert (requests.finished, requests.statements, requests.in_flight) == (3, 4, 0)
    assert 0 < requests.sql_seconds < requests.seconds


@pytest.mark.anyio
async def test_a_request_that_fails_is_finished() -> None:
    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    async def unused() -> None: ...

    requests = Requests(fail)
    with pytest.raises(ZeroDivisionError):
        await requests({"type": "http", "method": "GET"}, unused, unused)  # type: ignore[arg-type]
    assert (requests.started, requests.in_flight) == (1, 0)

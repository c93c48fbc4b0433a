"""The Server-Timing header, and the budget of queries in tests."""

import asyncio
import re
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.application import create_application
from project.settings import Settings
from project.web.costs import Costs, current_costs
from project.web.lanes import Lane
from project.web.route import Router
from project.web.schemas import Schema
from project.web.transaction import DbSession
from tests.conftest import QueryBudget
from tests.database import TestDatabase

FORM = re.compile(
    r'db;dur=([\d.]+);desc="(\d+) quer(?:y|ies)", lane;dur=([\d.]+), app;dur=([\d.]+), '
    r"total;dur=([\d.]+)"
)


class Answer(Schema):
    value: int


def with_timing(settings: Settings, *, wanted: bool | None) -> Settings:
    server = settings.server.model_copy(update={"server_timing": wanted})
    return settings.model_copy(update={"server": server})


@pytest.fixture
def client(settings: Settings, database: TestDatabase) -> Iterator[TestClient]:
    router = Router()

    @router.get("/two")
    def two(session: DbSession) -> Answer:
        session.execute(text("SELECT pg_sleep(0.02)"))
        return Answer(value=session.scalar(text("SELECT 2")) or 0)

    app = create_application(with_timing(settings, wanted=True), database=database)
    app.include_router(router)
    with TestClient(app) as client:
        yield client


def read_header(client: TestClient, path: str) -> list[float]:
    found = FORM.fullmatch(client.get(path).headers["Server-Timing"])
    assert found is not None
    return [float(number) for number in found.groups()]


def test_header(client: TestClient) -> None:
    for _ in range(2):  # each request counts its own
        database, queries, lane, app, total = read_header(client, "/two")
        # The suite puts each transaction into a savepoint, which the engine counts too.
        assert 2 <= queries <= 4
        assert database >= 20
        assert total == pytest.approx(database + lane + app, abs=0.3)


@pytest.mark.needs("health")
def test_without_the_database(client: TestClient) -> None:
    assert read_header(client, "/health/live")[:3] == [0, 0, 0]


@pytest.mark.anyio
async def test_the_wait_for_a_lane_counts() -> None:
    lane, costs = Lane("test", size=1, queue_size=1, queue_timeout=5), Costs()
    busy = asyncio.create_task(lane.run(time.sleep, 0.05))
    await asyncio.sleep(0.01)
    token = current_costs.set(costs)
    await lane.run(int)
    current_costs.reset(token)
    await busy
    assert costs.lane_wait == pytest.approx(lane.gauges().wait_seconds)
    assert costs.lane_wait > 0.01


@pytest.mark.parametrize(
    ("environment", "is_on"),
    [("development", True), ("test", False), ("staging", False), ("production", False)],
)
def test_where_it_is_on(settings: Settings, environment: str, *, is_on: bool) -> None:
    general = settings.general.model_copy(update={"environment": environment})
    changed = with_timing(settings, wanted=None).model_copy(update={"general": general})
    assert changed.has_server_timing == is_on


def test_off(settings: Settings, database: TestDatabase) -> None:
    app = create_application(with_timing(settings, wanted=False), database=database)
    with TestClient(app) as client:
        assert "Server-Timing" not in client.get("/health/live").headers


def test_budget_that_is_kept(session: Session, max_queries: QueryBudget) -> None:
    with max_queries(1):
        session.execute(text("SELECT 1"))


def test_budget_that_is_not_kept(session: Session, max_queries: QueryBudget) -> None:
    message = r"2 queries, at most 1 allowed:\n1\. SELECT 1\n2\. SELECT 2"
    budget = max_queries(1)
    budget.__enter__()
    session.execute(text("SELECT 1"))
    session.execute(text("SELECT\n   2"))
    with pytest.raises(pytest.fail.Exception, match=message):
        budget.__exit__(None, None, None)

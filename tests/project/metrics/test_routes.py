"""`/metrics`, as a collector reads it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from project.application import create_application
from project.db.session import Database
from project.metrics.families import FAMILIES
from project.runtime import Runtime
from project.settings import Settings
from project.web.lanes import Lane
from tests.database import TestDatabase

TOKEN = "T0ken-of-the-collector-0123456789abcdef"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(written: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(written)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


@pytest.fixture
def scrape(client: TestClient) -> Callable[[], Samples]:
    return lambda: parse(client.get("/metrics").text)


def with_metrics(settings: Settings, environment: str, token: str | None) -> Settings:
    metrics = settings.metrics.model_copy(update={"token": SecretStr(token) if token else None})
    general = settings.general.model_copy(update={"environment": environment})
    return settings.model_copy(update={"metrics": metrics, "general": general})


def asked(settings: Settings, database: TestDatabase, **headers: str) -> Any:
    app = create_application(settings, database=database, env_file=None)
    return TestClient(app, base_url="http://10.0.0.7:8000").get("/metrics", headers=headers)


@pytest.mark.needs("users")
def test_requests_by_template(client: TestClient, scrape: Callable[[], Samples]) -> None:
    before = scrape()
    for path in ("/api/v1/users/12", "/api/v1/users/13", "/nowhere/1", "/nowhere/2"):
        client.get(path)
    client.request("BREW", "/")
    after = scrape()

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    route = "/api/v1/users/{user_id}"
    assert grown("http_requests_total", method="GET", route=route, status="401") == 2
    assert grown("http_requests_total", method="GET", route="other", status="404") == 2
    assert grown("http_request_duration_seconds_count", method="GET", route=route) == 2
    assert grown("http_request_duration_seconds_bucket", method="GET", route=route, le="+Inf") == 2
    assert {label for _, labels in after for label in labels if label[0] == "method"} >= {
        ("method", "other")
    }
    assert "nowhere" not in str(after)


def test_state(scrape: Callable[[], Samples], runtime: Runtime) -> None:
    samples = scrape()
    size = runtime.settings.database.pool_size
    assert value(samples, "lane_tokens", lane="database") == size
    assert value(samples, "database_pool_size", pool="sync") == size
    assert value(samples, "workers") == 1
    assert {name for name, _ in samples} <= {name for one in FAMILIES for name in one.samples}


@pytest.mark.anyio
async def test_loop_lag_is_counted(runtime: Runtime) -> None:
    def looks() -> float:
        ((lags),) = runtime.metrics.read_own(runtime).values["event_loop_lag_seconds"].values()
        return sum(lags[1:])

    runtime.metrics.observe_lag(0.02)
    before = looks()
    async with runtime.vitals.watching_loop(), asyncio.timeout(10):
        while looks() == before:  # noqa: ASYNC110 -- the watch tells nobody
            await asyncio.sleep(0.01)


def test_errors_by_sqlstate(scrape: Callable[[], Samples], engine_database: TestDatabase) -> None:
    before = value(scrape(), "database_errors_total", sqlstate="22012")
    with engine_database.engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("SELECT 1/0"))
    assert value(scrape(), "database_errors_total", sqlstate="22012") == before + 1


def test_openmetrics_if_asked_for(client: TestClient) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    response = client.get("/metrics", headers=accept)
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("environment", "token", "sent", "status"),
    [
        ("development", None, "", 200),
        ("staging", None, "", 404),
        ("production", None, f"Bearer {TOKEN}", 404),
        ("production", TOKEN, "", 401),
        ("production", TOKEN, f"Bearer {TOKEN}x", 401),
        ("production", TOKEN, "Bearer \u00e4", 401),
        ("production", TOKEN, f"Bearer {TOKEN}", 200),
        ("development", TOKEN, "", 401),
    ],
)
def test_who_may_read(
    settings: Settings,
    database: TestDatabase,
    environment: str,
    token: str | None,
    sent: str,
    *,
    status: int,
) -> None:
    """Over plain HTTP and by address, as collectors inside do."""
    own = with_metrics(settings, environment, token)
    assert asked(own, database, Authorization=sent.encode("latin-1")).status_code == status  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_answers_while_every_lane_is_full(
    runtime: Runtime, async_client: AsyncClient
) -> None:
    release = threading.Event()
    lanes: list[Lane] = list(runtime.lanes)
    taken = [
        asyncio.create_task(lane.run(release.wait, 30)) for lane in lanes for _ in range(lane.size)
    ]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(10):
            samples = parse((await async_client.get("/metrics")).text)
        assert {value(samples, "lane_running", lane=lane.name) for lane in lanes} == {
            float(lane.size) for lane in lanes
        }
    finally:
        release.set()
        await asyncio.gather(*taken)
        runtime.lanes.close()


@pytest.mark.anyio
async def test_answers_without_a_database(settings: Settings) -> None:
    nobody = Database(create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    transport = ASGITransport(create_application(settings, database=nobody, env_file=None))
    async with AsyncClient(transport=transport, base_url="http://testserver") as client:
        async with asyncio.timeout(10):
            response = await client.get("/metrics")
    assert response.status_code == 200

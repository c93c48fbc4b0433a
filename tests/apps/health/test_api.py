"""Health for people, probes for orchestrators."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from project.application import create_application
from project.db.engine import create_pooled_engine
from project.runtime import Runtime
from project.settings import Settings
from tests.database import TestDatabase

PROBES = ("/api/v1/health", "/health/live", "/health/ready")


@pytest.fixture
def away(settings: Settings) -> Iterator[TestClient]:
    """An application whose database is not there."""
    engine = create_pooled_engine("postgresql+psycopg://u:canary@127.0.0.1:1/x", settings.database)
    with TestClient(create_application(settings, database=TestDatabase(engine))) as client:
        yield client
    engine.dispose()


def test_health_anonymous(client: TestClient) -> None:
    response = client.get("/api/v1/health")
    assert response.status_code == 200
    assert response.json() == {"status": "healthy", "database": "ok"}
    assert response.headers["Cache-Control"] == "no-store"


def test_health_without_database(away: TestClient) -> None:
    response = away.get("/api/v1/health")
    assert response.status_code == 503
    assert response.json() == {"status": "unhealthy", "database": "unreachable"}


def test_live_anonymous(client: TestClient, statements: list[str]) -> None:
    assert client.get("/health/live").status_code == 200
    assert statements == []


def test_live_without_database(away: TestClient) -> None:
    assert away.get("/health/live").status_code == 200


def test_ready_anonymous(client: TestClient) -> None:
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


def test_not_ready_when_told_to_end(
    client: TestClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It still answers; only whoever distributes requests shall choose another."""
    monkeypatch.setattr(runtime.vitals, "is_ending", True)
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200


def test_ready_without_database(away: TestClient) -> None:
    response = away.get("/health/ready")
    assert (response.status_code, response.json()) == (503, {"status": "not ready"})
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.committed
@pytest.mark.parametrize(("revision", "status"), [("", 503), ("9999", 200)])
def test_ready_needs_the_migrations(
    client: TestClient, session: Session, revision: str, status: int
) -> None:
    """Behind is not ready. Ahead is: the old code serves while the new one is rolled out."""
    before = session.scalar(text("SELECT version_num FROM alembic_version"))
    session.execute(text("DELETE FROM alembic_version"))
    if revision:
        session.execute(text("INSERT INTO alembic_version VALUES (:r)"), {"r": revision})
    session.commit()
    try:
        assert client.get("/health/ready").status_code == status
    finally:
        session.execute(text("DELETE FROM alembic_version"))
        session.execute(text("INSERT INTO alembic_version VALUES (:r)"), {"r": before})
        session.commit()


@pytest.mark.parametrize("path", PROBES)
def test_probes_take_no_place_of_the_pool(
    client: TestClient, engine_database: TestDatabase, path: str
) -> None:
    checkouts = engine_database.engine.pool.checkedout()  # type: ignore[attr-defined]
    completed = client.app.state.runtime.lanes.database.completed  # type: ignore[attr-defined]
    assert client.get(path).status_code == 200
    assert engine_database.engine.pool.checkedout() == checkouts  # type: ignore[attr-defined]
    assert client.app.state.runtime.lanes.database.completed == completed  # type: ignore[attr-defined]

"""An application that counts, on a database where it counts for real."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from project.application import create_application
from project.settings import Settings
from tests.database import TestDatabase

Build = Callable[..., TestClient]


@pytest.fixture
def patience() -> float:
    """Seconds that the database may take; a machine that runs tests may be slow."""
    return 10.0


@pytest.fixture
def build(
    settings: Settings,
    database: TestDatabase,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    patience: float,
) -> Iterator[Build]:
    """Build a client of an application that counts, with these rates, `sign_in_pair` say.

    Each call makes another application: to the database, another worker.
    """
    monkeypatch.setattr("apps.throttling.asking.DEADLINE", patience)
    monkeypatch.setattr("apps.throttling.asking.STRICT_DEADLINE", patience)
    with ExitStack() as stack:

        def build(*, address: str = "192.0.2.1", **rates: str) -> TestClient:
            usual = {"enabled": "true", "sign_in_pair": "5/5 minutes"}
            for name, rate in {**usual, **rates}.items():
                monkeypatch.setenv(f"THROTTLING_{name.upper()}", rate)
            app = create_application(settings, database=database, env_file=None)
            client = TestClient(app, client=(address, 50_000), follow_redirects=False)
            return stack.enter_context(client)

        yield build


def from_address(client: TestClient, address: str) -> TestClient:
    """Return a client of the same application at another address."""
    app = client.app
    assert isinstance(app, FastAPI)
    other = TestClient(app, client=(address, 50_000), follow_redirects=False)
    other.portal = client.portal  # the same event loop: its connections belong to it
    return other

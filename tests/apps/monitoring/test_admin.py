"""What staff see of the workers."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from tests.factories.monitoring import IDLE, WorkerFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter

PANEL = "/admin/panels/monitoring-workers"


@pytest.fixture
def watcher(client: TestClient, session: Session) -> TestClient:
    enter(client, grant(UserFactory.create(staff=True), "monitoring.view_worker"))
    return client


def test_workers_are_on_the_overview(watcher: TestClient) -> None:
    WorkerFactory(host="web-1", pid=41)
    page = watcher.get("/admin/").text
    assert "web-1 · 41" in page
    assert "12 ms" in page
    assert "120 MB" in page
    assert f'data-panel="{PANEL}"' in page


def test_panel_alone_renews_itself(watcher: TestClient) -> None:
    assert "No worker has given a sign of life" in watcher.get(PANEL).text
    full = {**IDLE, "running": 8, "waiting": 3, "shed": 2}
    WorkerFactory(state={"lanes": {"database": full}, "pool": {"size": 8, "in_use": 8}})
    page = watcher.get(PANEL).text
    assert page.count("is-full") == 2
    assert "3 waiting, 2 turned away" in page
    assert "<html" not in page


def test_worker_of_another_release_is_shown_as_far_as_it_goes(watcher: TestClient) -> None:
    WorkerFactory(host="old", pid=7, state={})
    assert "old · 7" in watcher.get(PANEL).text


def test_only_for_those_who_may(client: TestClient, session: Session) -> None:
    WorkerFactory(host="web-1")
    enter(client, UserFactory.create(staff=True))
    assert "web-1" not in client.get("/admin/").text
    assert client.get(PANEL).status_code == 403

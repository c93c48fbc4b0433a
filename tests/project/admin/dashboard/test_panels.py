"""What apps put onto the overview, and who sees it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from loguru import logger
from sqlalchemy import literal, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from apps.orders.models import CANCELLED
from project.admin.dashboard.panels import DailyPlot, adopt_panels
from project.apps import AppConfig
from project.errors import AppError
from project.runtime import Runtime
from tests.factories.orders import OrderFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter, site_of

pytestmark = pytest.mark.needs("orders")
SHOP = AppConfig(label="shop")
PANELS = {
    "users-sign-ups": "users.view_user",
    "orders-orders": "orders.view_order",
    "orders-revenue": "orders.view_order",
    "monitoring-workers": "monitoring.view_worker",
}


class Visits(DailyPlot):
    title, permission = "Visits", "orders.view_order"

    def daily(self, session: Session, since: date) -> Mapping[date, int]:  # noqa: ARG002 - as declared
        return {since: 4}


class Misspelt(Visits):
    permission = "orders.view_ordre"


def days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


@pytest.mark.parametrize(("panel", "permission"), PANELS.items())
def test_who_sees_a_panel(
    client: TestClient, session: Session, panel: str, permission: str
) -> None:
    address = f"/admin/panels/{panel}"
    assert client.get(address).status_code == 303
    enter(client, grant(UserFactory.create(staff=True), permission))
    assert client.get(address).status_code == 200
    assert f'id="panel-{panel}"' in client.get("/admin/").text
    enter(client, grant(UserFactory.create(staff=True), "items.view_item"))
    assert client.get(address).status_code == 403
    assert f'id="panel-{panel}"' not in client.get("/admin/").text


def test_every_panel_is_listed_here(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True))
    page = client.get("/admin/").text
    assert page.count('class="panel-title"') == len(PANELS)
    assert client.get("/admin/panels/no-such").status_code == 404


def test_orders_and_revenue_by_day(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True))
    OrderFactory(total=Decimal("1200.50"), created_at=days_ago(3))
    OrderFactory(total=Decimal(10), created_at=days_ago(3))
    OrderFactory(total=Decimal(999), created_at=days_ago(3), status=CANCELLED)
    OrderFactory(total=Decimal(7), created_at=days_ago(31))
    day = days_ago(3).strftime("%a %d %b")
    assert f"<title>{day}: 2</title>" in client.get("/admin/panels/orders-orders").text
    revenue = client.get("/admin/panels/orders-revenue").text
    assert f"<title>{day}: 1,210.50</title>" in revenue
    assert revenue.count("<rect") == 30 + 1


def test_sign_ups_by_day(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True, created_at=days_ago(60)))
    for _ in range(3):
        UserFactory(created_at=days_ago(1))
    day = days_ago(1).strftime("%a %d %b")
    assert f"<title>{day}: 3</title>" in client.get("/admin/panels/users-sign-ups").text


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ([Visits()], "must be a tuple of panels"),
        ((Visits,), "must be a tuple of panels"),
        ((Misspelt(),), "Did you mean 'orders.view_order'"),
    ],
)
def test_wrong_panels_are_refused(runtime: Runtime, declared: Any, sentence: str) -> None:
    with pytest.raises(AppError, match=sentence):
        adopt_panels(SHOP, declared, runtime.permissions)


def test_name_of_a_panel(runtime: Runtime) -> None:
    (panel,) = adopt_panels(SHOP, (Visits(),), runtime.permissions)
    assert panel.name == "shop-visits"


class Broken(DailyPlot):
    title, permission = "Broken", "orders.view_order"

    def daily(self, session: Session, since: date) -> Mapping[date, int]:
        raise SQLAlchemyError(session.scalar(select(1 / literal(0))), since)


def test_broken_panel_takes_nothing_along(
    client: TestClient, application: FastAPI, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(application)
    (broken,) = adopt_panels(SHOP, (Broken(),), site.runtime.permissions)
    monkeypatch.setattr(site, "panels", [broken, *site.panels])
    enter(client, UserFactory.create(superuser=True))
    said: list[str] = []
    sink = logger.add(said.append, level="ERROR", backtrace=False)
    page = client.get("/admin/")
    logger.remove(sink)
    assert page.status_code == 200
    assert page.text.count("This cannot be shown right now.") == 1
    assert page.text.count("<rect") > 30, "the other panels are there"
    assert "in daily" in "".join(said)
    alone = client.get(f"/admin/panels/{broken.name}")
    assert (alone.status_code, "cannot be shown" in alone.text) == (200, True)


def test_sales_are_read_once(client: TestClient, session: Session, statements: list[str]) -> None:
    enter(client, UserFactory.create(superuser=True))
    OrderFactory(total=Decimal(10))
    statements.clear()
    assert client.get("/admin/").status_code == 200
    assert sum("sum(orders_order.total)" in statement for statement in statements) == 1

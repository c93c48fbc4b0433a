"""Counts beside the choices, and the hierarchy of dates."""

import re
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func

from apps.orders.admin import OrderAdmin
from project.admin.lists import facts
from tests.factories.orders import OrderFactory
from tests.project.admin.lists.support import ORDERS, link_to


def counts(page: str) -> dict[str, str]:
    """Return the number beside each choice that has one."""
    found = re.findall(r"<span>([^<]*)</span><span class=\"facet\">([^<]*)</span>", page)
    return dict(found)


def test_counts_are_on_request(admin: TestClient) -> None:
    OrderFactory.create_batch(2)
    OrderFactory.create(cancelled=True)
    page = admin.get(ORDERS)
    assert counts(page.text) == {}
    assert link_to(page, "Show counts") == "?_facets=1"
    assert counts(admin.get(f"{ORDERS}?_facets=1").text).items() >= {
        ("Placed", "2"),
        ("Cancelled", "1"),
    }


def test_counts_are_of_the_other_filters(admin: TestClient) -> None:
    order = OrderFactory.create()
    OrderFactory.create(cancelled=True)
    page = admin.get(f"{ORDERS}?_facets=1&status=cancelled&user={order.user_id}").text
    assert counts(page)["Placed"] == "1"
    assert counts(page)["Cancelled"] == "0"


def test_counting_ends_somewhere(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "FACET_LIMIT", 2)
    monkeypatch.setattr("project.admin.lists.panel.FACET_LIMIT", 2)
    OrderFactory.create_batch(4)
    assert counts(admin.get(f"{ORDERS}?_facets=1").text)["Placed"] == "2+"


@pytest.mark.parametrize(("option", "query"), [("never", "?_facets=1"), ("always", "")])
def test_option(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch, option: str, query: str
) -> None:
    OrderFactory.create()
    monkeypatch.setattr(OrderAdmin, "show_facets", option)
    page = admin.get(f"{ORDERS}{query}")
    assert ("Placed" in counts(page.text)) is (option == "always")
    assert link_to(page, "Show counts") is None


def test_years_months_and_days(admin: TestClient) -> None:
    for month in (2, 11):
        OrderFactory.create(created_at=datetime(2024, month, 23, tzinfo=UTC))
    OrderFactory.create(created_at=datetime(2026, 1, 5, tzinfo=UTC))
    page = admin.get(ORDERS)
    assert [link_to(page, year) is None for year in ("2027", "2026", "2024", "2023")] == [
        True,
        False,
        False,
        True,
    ]
    page = admin.get(f"{ORDERS}{link_to(page, '2024')}")
    assert link_to(page, "January 2024") is None
    page = admin.get(f"{ORDERS}{link_to(page, 'February 2024')}&_facets=1")
    assert re.search(r'23 Feb <span class="facet">1<', page.text)
    assert "1 order<" in page.text


def test_counting_that_takes_too_long_leaves_the_rows(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = OrderFactory.create()
    monkeypatch.setattr(
        facts, "_about_dates", lambda *_: [facts._question("slow", func.pg_sleep(30))]
    )
    monkeypatch.setattr(OrderAdmin, "list_timeout", 0.05)
    page = admin.get(ORDERS)
    assert page.status_code == 200
    assert f"/details/{order.id}" in page.text
    assert "Counting took the database too long" in page.text

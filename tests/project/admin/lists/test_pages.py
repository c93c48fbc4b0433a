"""The page around the rows: its statements, the way back, what it looks like."""

import re
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from apps.items.models import Item
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory, OrderLineFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.lists.support import ITEMS, ORDERS, USERS, link_to
from tests.project.admin.support import enter, shown_form

LINES = "/admin/orders-order-line/list"


@pytest.mark.parametrize(
    "path",
    [
        ORDERS,
        f"{ORDERS}?pageSize=2",
        f"{ORDERS}?_facets=1&status=placed&user=1&search=user&sortBy=total&created_at=this_year",
        f"{ORDERS}?page=last&pageSize=2&status=placed",
        f"{LINES}?pageSize=2&_facets=1&item=1",
        f"{USERS}?_facets=1&search=user+example",
        f"{ITEMS}?pageSize=2&_facets=1&price__gte=1",
    ],
)
def test_four_statements_for_a_list(admin: TestClient, statements: list[str], path: str) -> None:
    for _ in range(3):
        OrderLineFactory.create()
    statements.clear()
    assert admin.get(path).status_code == 200
    after_signing_in = [s for s in statements if "users_auth_session" not in s]
    budget = 5 if path.startswith(ITEMS) else 4  # one for what its inputs were shown with
    assert len(after_signing_in) <= budget, "\n".join(after_signing_in)


def test_what_is_not_shown_stays_in_the_database(admin: TestClient, statements: list[str]) -> None:
    ItemFactory.create()
    statements.clear()
    admin.get(ITEMS)
    (rows,) = (s for s in statements if "JOIN" in s and "items_item" in s)
    for hidden in ("description", "password_hash", "search"):
        assert hidden not in rows


def test_nobody_sorts_in_order_to_count(admin: TestClient, statements: list[str]) -> None:
    OrderFactory.create_batch(3)
    statements.clear()
    admin.get(f"{ORDERS}?pageSize=2&status=placed")
    counting = [s for s in statements if "count(" in s]
    assert counting
    for statement in counting:
        assert "ORDER BY orders_order" not in statement


def test_saving_leads_back_to_the_list_as_it_was(admin: TestClient, session: Session) -> None:
    item = ItemFactory.create(price=Decimal(5))
    page = admin.get(f"{ITEMS}?price__gte=2&sortBy=price")
    address = link_to(page, item.name)
    assert address is not None
    form = shown_form(admin.get(address)) | {"price": "7.00"}
    response = admin.post(address, data=form)
    assert response.headers["location"] == f"{ITEMS}?price__gte=2&sortBy=price"
    session.expire_all()
    assert session.get_one(Item, item.id).price == Decimal("7.00")


def test_saving_once_more_keeps_the_way_back(admin: TestClient) -> None:
    item = ItemFactory.create()
    address = f"/admin/items-item/edit/{item.id}?back=price__gte%3D1"
    form = shown_form(admin.get(address)) | {"save": "Save and continue editing"}
    following = admin.post(address, data=form).headers["location"]
    assert following == address
    assert f'<a class="btn btn-quiet" href="{ITEMS}?price__gte=1">Cancel' in admin.get(address).text


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example/?a=b", "javascript:alert(1)", "%00=%0d%0aX: y"]
)
def test_way_back_is_a_list_of_ours(admin: TestClient, back: str) -> None:
    item = ItemFactory.create()
    address = f"/admin/items-item/edit/{item.id}"
    form = shown_form(admin.get(address))
    response = admin.post(address, params={"back": back}, data=form)
    assert re.fullmatch(rf"{ITEMS}(\?[^/]*)?", response.headers["location"])


def test_values_are_for_people(admin: TestClient) -> None:
    order = OrderFactory.create(total=Decimal("1234567.50"))
    page = admin.get(ORDERS).text
    assert "1,234,567.50" in page
    assert '<span class="badge badge-0">Placed</span>' in page
    assert 'class="kind-number" scope="col"' in page
    assert f'title="{order.created_at:%Y-%m-%d %H:%M:%S} UTC"' in page
    page = admin.get(USERS).text
    assert '<span aria-hidden="true">✓</span><span class="visually-hidden">Yes</span>' in page


def test_who_may_only_look_is_offered_to_export(client: TestClient) -> None:
    ItemFactory.create()
    enter(client, grant(UserFactory.create(staff=True), "items.view_item"))
    page = client.get(ITEMS).text
    offered = re.findall(r'<option value="(\w+)">', page[page.index('id="action"') :])
    assert offered == ["export_chosen"]

"""Orders over HTTP, one request at a time."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from apps.users.models import User
from tests.conftest import QueryBudget
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory, OrderLineFactory
from tests.factories.users import UserFactory, grant

ORDERS = "/api/v1/orders/"
SignIn = Callable[[User], dict[str, str]]


def lines(*pairs: tuple[Any, Any]) -> dict[str, Any]:
    return {"lines": [{"item_id": item, "quantity": quantity} for item, quantity in pairs]}


class TestPlace:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        assert_problem(client.post(ORDERS, json=lines((1, 1))), 401)

    def test_places_an_order(self, client: TestClient, headers_for: SignIn) -> None:
        headers = headers_for(UserFactory())
        mug = ItemFactory(name="Mug", price=Decimal("18.50"), stock=5)
        lamp = ItemFactory(name="Lamp", price=Decimal(129))
        answer = client.post(ORDERS, json=lines((lamp.id, 1), (mug.id, 2)), headers=headers)
        order = answer.json()
        assert answer.status_code == 201
        assert client.get(f"{ORDERS}{order['id']}", headers=headers).json() == order
        assert order.pop("id") > 0
        assert order.pop("created_at").endswith("Z")
        assert order == {
            "status": "placed",
            "total": "166.00",
            "lines": [
                line(lamp, "Lamp", "129.00", 1, "129.00"),
                line(mug, "Mug", "18.50", 2, "37.00"),
            ],
        }

    def test_out_of_stock(self, client: TestClient, headers_for: SignIn, session: Session) -> None:
        plenty, short = ItemFactory(stock=9), ItemFactory(stock=1)
        body, headers = lines((plenty.id, 1), (short.id, 2)), headers_for(UserFactory())
        answer = client.post(ORDERS, json=body, headers=headers)
        assert_problem(answer, 409, code="out_of_stock")
        assert f"1 of item {short.id}" in answer.json()["detail"]
        session.refresh(plenty)
        assert plenty.stock == 9

    def test_unknown_items_are_named(self, client: TestClient, headers_for: SignIn) -> None:
        body, headers = lines((ItemFactory().id, 1), (2**62, 1)), headers_for(UserFactory())
        answer = client.post(ORDERS, json=body, headers=headers)
        assert_problem(answer, 422, code="unknown_item")
        assert answer.json()["detail"] == f"There is no item {2**62}."

    def test_total_that_no_number_holds(self, client: TestClient, headers_for: SignIn) -> None:
        dear = ItemFactory(price=Decimal("9999999999.99"), stock=10_000)
        headers = headers_for(UserFactory())
        answer = client.post(ORDERS, json=lines((dear.id, 10_000)), headers=headers)
        assert_problem(answer, 422, code="order_too_large")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"lines": None},
            {"lines": {}},
            {"lines": []},
            {"lines": [None]},
            {"lines": [[1, 1]]},
            {"lines": [{"item_id": 1}]},
            {"lines": [{"quantity": 1}]},
            lines((1, 0)),
            lines((1, -1)),
            lines((1, 10_001)),
            lines((1, 2**63)),
            lines((1, 10**30)),
            lines((1, 1.5)),
            lines((1, None)),
            lines((1, "many")),
            lines((0, 1)),
            lines((-1, 1)),
            lines((2**63, 1)),
            lines(("x", 1)),
            lines(("1\x00", 1)),
            lines((1, 1), (2, 1), (1, 1)),
            lines(*((item, 1) for item in range(1, 102))),
            lines(*((item, 1) for item in range(1, 10_001))),
            lines(*((0, 0) for _ in range(10_000))),
        ],
        ids=lambda body: json.dumps(body)[:40],
    )
    def test_hostile_bodies(self, client: TestClient, headers_for: SignIn, body: Any) -> None:
        answer = client.post(ORDERS, json=body, headers=headers_for(UserFactory()))
        assert_problem(answer, 422, code="invalid")
        assert len(answer.content) < 50_000

    def test_a_hundred_lines(self, client: TestClient, headers_for: SignIn) -> None:
        items, headers = ItemFactory.create_batch(100), headers_for(UserFactory())
        body = lines(*((item.id, 10) for item in reversed(items)))
        answer = client.post(ORDERS, json=body, headers=headers)
        assert answer.status_code == 201
        assert [line["item_id"] for line in answer.json()["lines"]] == [
            line["item_id"] for line in body["lines"]
        ]


class TestList:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        assert_problem(client.get(ORDERS), 401)

    def test_shows_ones_own_newest_first(self, client: TestClient, headers_for: SignIn) -> None:
        user = UserFactory()
        older, newer, _ = OrderFactory(user=user), OrderFactory(user=user), OrderFactory()
        assert ids(client.get(ORDERS, headers=headers_for(user))) == [newer.id, older.id]

    def test_staff_see_their_own_only(self, client: TestClient, headers_for: SignIn) -> None:
        OrderFactory()
        assert ids(client.get(ORDERS, headers=headers_for(UserFactory(staff=True)))) == []

    def test_makes_three_queries(
        self, client: TestClient, headers_for: SignIn, statements: list[str]
    ) -> None:
        user = UserFactory()
        for order in OrderFactory.create_batch(3, user=user):
            OrderLineFactory.create_batch(2, order=order)
        headers = headers_for(user)
        statements.clear()
        answer = client.get(ORDERS, headers=headers)
        assert [len(order["lines"]) for order in answer.json()["items"]] == [2, 2, 2]
        assert len(statements) == 3  # account, orders, lines

    def test_a_page_leads_to_the_next(self, client: TestClient, headers_for: SignIn) -> None:
        user = UserFactory()
        OrderFactory.create_batch(3, user=user)
        headers = headers_for(user)
        first = client.get(ORDERS, params={"limit": 2}, headers=headers)
        cursor = first.json()["next_cursor"]
        second = client.get(ORDERS, params={"limit": 2, "cursor": cursor}, headers=headers)
        assert len({*ids(first), *ids(second)}) == 3
        assert second.json()["next_cursor"] is None


def test_list_orders_budget(
    client: TestClient, headers_for: SignIn, max_queries: QueryBudget
) -> None:
    """Who asks, a page of orders, the lines of them all: three, however many orders."""
    user = UserFactory()
    OrderLineFactory.create_batch(5, order__user=user)
    headers = headers_for(user)
    with max_queries(3):
        assert len(ids(client.get(ORDERS, headers=headers))) == 5


class TestRead:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        assert_problem(client.get(f"{ORDERS}{OrderFactory().id}"), 401)

    def test_strangers_learn_nothing(self, client: TestClient, headers_for: SignIn) -> None:
        order, headers = OrderFactory(), headers_for(UserFactory())
        theirs = client.get(f"{ORDERS}{order.id}", headers=headers)
        nobodys = client.get(f"{ORDERS}{order.id + 1}", headers=headers)
        assert_problem(theirs, 404, code="order_not_found")
        assert theirs.json()["detail"] == nobodys.json()["detail"]

    def test_staff_may(self, client: TestClient, headers_for: SignIn) -> None:
        order, headers = OrderFactory(), headers_for(UserFactory(staff=True))
        assert client.get(f"{ORDERS}{order.id}", headers=headers).json()["id"] == order.id

    @pytest.mark.parametrize(("key", "status"), [("0", 422), (2**63, 422), ("x", 422), (1, 404)])
    def test_ids_that_are_none(
        self, client: TestClient, headers_for: SignIn, key: Any, status: int
    ) -> None:
        answer = client.get(f"{ORDERS}{key}", headers=headers_for(UserFactory()))
        assert_problem(answer, status)


class TestCancel:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        assert_problem(client.post(f"{ORDERS}{OrderFactory().id}/cancel"), 401)

    def test_strangers_may_not(
        self, client: TestClient, headers_for: SignIn, session: Session
    ) -> None:
        order, headers = OrderFactory(), headers_for(UserFactory())
        answer = client.post(f"{ORDERS}{order.id}/cancel", headers=headers)
        assert_problem(answer, 404, code="order_not_found")
        session.refresh(order)
        assert order.status == "placed"

    def test_permissions_open_what_they_name(self, client: TestClient, headers_for: SignIn) -> None:
        path = f"{ORDERS}{OrderFactory().id}"
        viewer = headers_for(grant(UserFactory(), "orders.view_order"))
        changer = headers_for(grant(UserFactory(), "orders.change_order"))
        assert client.get(path, headers=viewer).status_code == 200
        assert_problem(client.post(f"{path}/cancel", headers=viewer), 404)
        assert_problem(client.get(path, headers=changer), 404)
        assert client.post(f"{path}/cancel", headers=changer).status_code == 200

    @pytest.mark.parametrize("is_staff", [False, True])
    def test_gives_the_stock_back_once(
        self, client: TestClient, headers_for: SignIn, session: Session, is_staff: bool
    ) -> None:
        bought = OrderLineFactory(quantity=3, item__stock=7)
        headers = headers_for(UserFactory(staff=True) if is_staff else bought.order.user)
        answers = [
            client.post(f"{ORDERS}{bought.order_id}/cancel", headers=headers) for _ in range(2)
        ]
        session.refresh(bought.item)
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        assert (answers[0].json()["status"], bought.item.stock) == ("cancelled", 10)


def test_item_that_was_ordered_stays(client: TestClient, headers_for: SignIn) -> None:
    item = OrderLineFactory().item
    answer = client.delete(f"/api/v1/items/{item.id}", headers=headers_for(item.owner))
    assert_problem(answer, 409, code="still_referenced")


def line(item: Any, name: str, unit_price: str, quantity: int, total: str) -> dict[str, Any]:
    return {
        "item_id": item.id,
        "name": name,
        "unit_price": unit_price,
        "quantity": quantity,
        "line_total": total,
    }


def ids(answer: Any) -> list[int]:
    return [order["id"] for order in answer.json()["items"]]


def assert_problem(answer: Any, status: int, *, code: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code is None or answer.json()["code"] == code

import pytest
from fastapi.testclient import TestClient

from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory, OrderLineFactory
from tests.project.admin.support import sign_in


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    sign_in(client)
    return client


def test_list_shows_orders_and_their_customers(admin: TestClient) -> None:
    order = OrderFactory()
    page = admin.get("/admin/orders-order/list").text
    assert f'href="/admin/orders-order/details/{order.id}"' in page
    assert order.user.email in page
    assert "49.90" in page


def test_search_finds_a_customer(admin: TestClient) -> None:
    mine, other = OrderFactory.create_batch(2)
    page = admin.get("/admin/orders-order/list", params={"search": mine.user.email}).text
    page = page.partition("<tbody>")[2]
    assert mine.user.email in page
    assert other.user.email not in page


def test_lines_lead_to_order_and_item(admin: TestClient) -> None:
    line = OrderLineFactory(name="Mug, as it was")
    page = admin.get("/admin/orders-order-line/list").text
    assert f"Order {line.order_id}" in page
    assert "Mug, as it was" in page
    assert line.item.name in page


@pytest.mark.parametrize("table", ["orders-order", "orders-order-line"])
def test_details(admin: TestClient, table: str) -> None:
    line = OrderLineFactory()
    key = line.order_id if table == "orders-order" else line.id
    assert admin.get(f"/admin/{table}/details/{key}").status_code == 200


@pytest.mark.parametrize("table", ["orders-order", "orders-order-line"])
def test_nothing_can_be_changed(admin: TestClient, table: str) -> None:
    line = OrderLineFactory()
    for path in ("create", f"edit/{line.id}"):
        assert admin.post(f"/admin/{table}/{path}", data={}).status_code in {403, 404}
    answer = admin.post(f"/admin/{table}/delete", data={"pks": [str(line.id)]})
    assert answer.status_code in {403, 404}


def test_list_makes_a_bounded_number_of_queries(admin: TestClient, statements: list[str]) -> None:
    OrderFactory.create_batch(10)
    statements.clear()
    admin.get("/admin/orders-order/list")
    # session, its time; deadline, rows with their customers, what can be chosen
    assert len(statements) <= 5


def test_item_that_was_ordered_is_not_deleted(admin: TestClient) -> None:
    line, free = OrderLineFactory(), ItemFactory()
    answer = admin.post("/admin/items-item/delete", data={"pks": [str(line.item_id), str(free.id)]})
    assert answer.status_code == 409
    assert "Order lines" in answer.text


def test_history_calls_a_status_as_lists_do(admin: TestClient) -> None:
    order = OrderFactory.create()
    sent = {"action": "cancel", "pks": str(order.id), "_agreed": "1"}
    assert admin.post("/admin/orders-order/action", data=sent).status_code == 303
    german = {"Accept-Language": "de"}
    page = admin.get(f"/admin/orders-order/history/{order.id}", headers=german).text
    assert ">Storniert</b>" in page
    assert "Bestellt</del>" in page
    assert "Storniert</ins>" in page

"""Who is told what by the routes of this app."""

from typing import Any

from tests.authorisation import Call, of_owner, signed_in
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory


def order(owner: Any) -> Call:
    return Call({"order_id": OrderFactory.create(user=owner).id})


def purchase(_owner: Any) -> Call:
    lines = [{"item_id": ItemFactory.create().id, "quantity": 1}]
    return Call(options={"json": {"lines": lines}})


ROUTES = {
    "GET /api/v1/orders/": signed_in(200),
    "POST /api/v1/orders/": signed_in(201, purchase),
    "GET /api/v1/orders/{order_id}": of_owner(
        200, order, others=404, permission="orders.view_order"
    ),
    "POST /api/v1/orders/{order_id}/cancel": of_owner(
        200, order, others=404, permission="orders.change_order"
    ),
    "GET /api/v1/orders/{order_id}/events": of_owner(200, order, others=404),
}

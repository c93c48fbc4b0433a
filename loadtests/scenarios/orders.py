import secrets
from typing import Any

from loadtests.scenario import Scenario, Visitor, journey

ORDERS = "/api/v1/orders/"
OUT_OF_STOCK = 409


class Orders(Scenario):
    """What customers do."""

    weight = 2

    @journey(weight=2, signed_in=True)
    def buy(self, visitor: Visitor) -> None:
        order = self._place(visitor)
        if order:
            visitor.get("/api/v1/orders/{order_id}", order_id=order["id"])

    @journey(weight=2, signed_in=True)
    def change_their_mind(self, visitor: Visitor) -> None:
        order = self._place(visitor)
        if order:
            visitor.post("/api/v1/orders/{order_id}/cancel", order_id=order["id"])

    @journey(weight=1, signed_in=True)
    def watch(self, visitor: Visitor) -> None:
        """Until the first event comes, which is the present status; nobody waits for more."""
        order = self._place(visitor)
        if order:
            visitor.get("/api/v1/orders/{order_id}/events", order_id=order["id"], events=1)

    @journey(weight=4, signed_in=True)
    def look_back(self, visitor: Visitor) -> None:
        visitor.get(ORDERS, params={"limit": 20})

    def _place(self, visitor: Visitor) -> Any:
        """Order one of what is there. Somebody else may have got the last one: then None."""
        found = visitor.get("/api/v1/items/", params={"in_stock": True, "limit": 5})
        if not found["items"]:
            return None
        item = secrets.choice(found["items"])
        order = visitor.post(
            ORDERS,
            json={"lines": [{"item_id": item["id"], "quantity": 1}]},
            headers={"Idempotency-Key": secrets.token_hex(16)},
            expect=(201, OUT_OF_STOCK),
        )
        return order if "lines" in order else None

from loadtests.scenario import Scenario, Visitor, journey

ITEMS = "/api/v1/items/"
ITEM = "/api/v1/items/{item_id}"
# Out of stock, so that nobody reads or orders what is gone in a moment.
LAMP = {"name": "Lamp", "description": "Made by a load test.", "price": "12.50", "stock": 0}


class Items(Scenario):
    """What visitors do in the catalogue: many read, few sell."""

    weight = 5

    @journey(weight=10)
    def browse(self, visitor: Visitor) -> None:
        page = visitor.get(ITEMS, params={"limit": 20})
        if page["next_cursor"]:
            params = {"limit": 20, "cursor": page["next_cursor"]}
            page = visitor.get(ITEMS, params=params)
        for row in [row for row in page["items"] if row["stock"]][:1]:
            visitor.get(ITEM, item_id=row["id"])

    @journey(weight=4)
    def search(self, visitor: Visitor) -> None:
        found = visitor.get(ITEMS, params={"q": "lamp", "sort": "price", "in_stock": True})
        for row in found["items"][:1]:
            visitor.get(ITEM, item_id=row["id"])

    @journey(weight=1, signed_in=True)
    def sell(self, visitor: Visitor) -> None:
        item = visitor.post(ITEMS, json=LAMP, expect=201)
        visitor.patch(ITEM, item_id=item["id"], json={"price": "11.00"})
        visitor.delete(ITEM, item_id=item["id"], expect=204)

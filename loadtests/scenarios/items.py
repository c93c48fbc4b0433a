import struct
import zlib

from loadtests.scenario import Scenario, Visitor, journey

ITEMS = "/api/v1/items/"
ITEM = "/api/v1/items/{item_id}"
IMAGE = "/api/v1/items/{item_id}/image"
# Out of stock, so that nobody reads or orders what is gone in a moment.
LAMP = {"name": "Lamp", "description": "Made by a load test.", "price": "12.50", "stock": 0}


def photograph(width: int = 640, height: int = 480) -> bytes:
    """Return a PNG, a pattern that slants."""
    pattern = bytes(x * x >> 7 & 255 for x in range(3 * (width + height)))
    rows = (b"\0" + pattern[3 * y : 3 * (y + width)] for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


PHOTOGRAPH = photograph()


class Items(Scenario):
    """What visitors do in the catalogue: many read, few sell, fewer take photographs."""

    weight = 5

    @journey(weight=40)
    def browse(self, visitor: Visitor) -> None:
        page = visitor.get(ITEMS, params={"limit": 20})
        if page["next_cursor"]:
            params = {"limit": 20, "cursor": page["next_cursor"]}
            page = visitor.get(ITEMS, params=params)
        for row in [row for row in page["items"] if row["stock"]][:1]:
            visitor.get(ITEM, item_id=row["id"])

    @journey(weight=16)
    def search(self, visitor: Visitor) -> None:
        found = visitor.get(ITEMS, params={"q": "lamp", "sort": "price", "in_stock": True})
        for row in found["items"][:1]:
            visitor.get(ITEM, item_id=row["id"])

    @journey(weight=4, signed_in=True)
    def sell(self, visitor: Visitor) -> None:
        item = visitor.post(ITEMS, json=LAMP, expect=201)
        visitor.patch(ITEM, item_id=item["id"], json={"price": "11.00"})
        visitor.delete(ITEM, item_id=item["id"], expect=204)

    @journey(weight=1, signed_in=True)
    def illustrate(self, visitor: Visitor) -> None:
        item = visitor.post(ITEMS, json=LAMP, expect=201)
        files = {"file": ("lamp.png", PHOTOGRAPH, "image/png")}
        visitor.post(IMAGE, item_id=item["id"], files=files, expect=201)
        visitor.get(IMAGE, item_id=item["id"], params={"size": "small"})
        visitor.delete(ITEM, item_id=item["id"], expect=204)

"""Whether the books agree: what customers were told, and what the database holds."""

from tests.faults.customers import STOCK, Ledger, Shop
from tests.faults.stage import Stage

OF_KEYS = """
SELECT k.key, (k.body::json ->> 'id')::bigint FROM orders_idempotency_key k WHERE k.key = ANY(%s)
"""
BROKEN_ORDERS = """
SELECT count(*) FROM (
    SELECT o.id FROM orders_order o LEFT JOIN orders_order_line l ON l.order_id = o.id
    GROUP BY o.id, o.total
    HAVING count(l.id) = 0 OR (o.id = ANY(%s) AND count(l.id) <> 2)
        OR o.total IS DISTINCT FROM sum(l.unit_price * l.quantity)
) broken
"""
SOLD = """
SELECT i.id, %s - i.stock, coalesce(sum(l.quantity), 0)
FROM items_item i LEFT JOIN orders_order_line l ON l.item_id = i.id
WHERE i.id = ANY(%s) GROUP BY i.id, i.stock
"""


def assert_nothing_lost(stage: Stage, shop: Shop, ledger: Ledger) -> None:
    """Every acknowledged order is there, once and whole; so is each that nobody heard of."""
    kept = dict(stage.ask(OF_KEYS, list(ledger.attempted)))
    orders = {row[0] for row in stage.ask("SELECT id FROM orders_order")}
    lost = {key for key, order in ledger.acknowledged.items() if kept.get(key) != order}
    assert lost == set()
    assert set(ledger.acknowledged.values()) <= orders
    assert len(set(kept.values())) == len(kept)
    assert stage.number(BROKEN_ORDERS, list(kept.values())) == 0
    gone = [row for row in stage.ask(SOLD, STOCK, list(shop.items)) if row[1] != row[2]]
    assert gone == []
    placed = stage.number(
        "SELECT count(DISTINCT order_id) FROM orders_order_line WHERE item_id = ANY(%s)",
        list(shop.items),
    )
    assert placed == len(kept)

"""Cancelling several orders at once, beside somebody who buys."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.items.queries import lock_offers
from apps.orders.admin import OrderAdmin
from apps.orders.models import Order
from tests.database import TestDatabase, wait_until_blocked
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderLineFactory


@pytest.mark.committed
def test_items_are_locked_in_their_order(session: Session, database: TestDatabase) -> None:
    """Order by order, the later item of the first order would be held while waiting."""
    first, second = ItemFactory.create_batch(2, stock=30)
    orders = [OrderLineFactory(item=item, quantity=1).order.id for item in (second, first)]
    session.commit()

    def cancel() -> int:
        with database.transaction() as own:
            chosen = select(Order).where(Order.id.in_(orders)).order_by(Order.id)
            rows = own.scalars(chosen.with_for_update()).all()
            return OrderAdmin.cancel(view, own, nobody, rows, {})

    view: Any = None
    nobody: Any = None
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as buyer:
            lock_offers(buyer, [first.id])
            cancelling = pool.submit(cancel)
            wait_until_blocked(buyer)
            free = select(Item.id).where(Item.id == second.id).with_for_update(nowait=True)
            assert buyer.scalar(free) == second.id
        assert cancelling.result(timeout=30) == len(orders)

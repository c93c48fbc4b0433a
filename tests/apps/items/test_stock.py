"""Taking and returning stock."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from apps.items.errors import OutOfStock, UnknownItem
from apps.items.services import return_stock, take_stock
from tests.database import TestDatabase, wait_until_blocked
from tests.factories.items import ItemFactory

LOCK = text("SELECT id FROM items_item WHERE id = :id FOR UPDATE NOWAIT")


def test_take_all(session: Session) -> None:
    mug, lamp = ItemFactory(name="Mug", price=Decimal("18.50"), stock=5), ItemFactory(stock=2)
    offers = take_stock(session, quantities={lamp.id: 2, mug.id: 1})
    assert offers[mug.id] == (mug.id, "Mug", Decimal("18.50"), 5)
    assert (mug.stock, lamp.stock) == (4, 0)
    return_stock(session, quantities={mug.id: 1, lamp.id: 2})
    assert (mug.stock, lamp.stock) == (5, 2)


def test_a_sale_is_a_change_of_the_item(session: Session) -> None:
    item = ItemFactory()
    session.execute(text("UPDATE items_item SET updated_at = '2020-01-01T00:00:00Z'"))
    take_stock(session, quantities={item.id: 1})
    session.refresh(item)
    assert item.updated_at.year > 2020


def test_take_is_all_or_nothing(session: Session) -> None:
    plenty, one, none = ItemFactory(stock=9), ItemFactory(stock=1), ItemFactory(stock=0)
    wanted = {none.id: 1, plenty.id: 2, one.id: 2}
    sentence = f"There are only 1 of item {one.id}, 0 of item {none.id} left."
    with pytest.raises(OutOfStock, match=sentence):
        take_stock(session, quantities=wanted)
    session.refresh(plenty)
    assert plenty.stock == 9


def test_unknown_items_are_named(session: Session) -> None:
    item = ItemFactory()
    unknown = item.id + 1
    with pytest.raises(UnknownItem, match=f"There is no item {unknown}, {unknown + 1}."):
        take_stock(session, quantities={unknown + 1: 1, item.id: 1, unknown: 1})


def test_number_of_queries_does_not_grow(session: Session, statements: list[str]) -> None:
    items = ItemFactory.create_batch(20)
    quantities = {item.id: 1 for item in items}
    session.expunge_all()
    statements.clear()
    take_stock(session, quantities=quantities)
    assert len(statements) == 2


@pytest.mark.committed
def test_locks_are_taken_in_one_order(database: TestDatabase, session: Session) -> None:
    """By id, whatever was asked for first and however the rows lie in the table."""
    first, second = ItemFactory.create_batch(2)
    first.stock = 20  # its row lies behind the other's from now on
    session.commit()
    session.execute(LOCK, {"id": first.id})

    def take() -> None:
        with database.transaction() as own:
            own.execute(text("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off"))
            take_stock(own, quantities={second.id: 1, first.id: 1})

    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(take)
        wait_until_blocked(session)
        assert session.scalar(LOCK, {"id": second.id}) == second.id  # not locked before the first
        session.commit()
        taking.result()


@pytest.mark.committed
def test_lock_lets_others_refer_to_the_item(database: TestDatabase, session: Session) -> None:
    """Whoever inserts a row that names the item does not wait for those who sell it."""
    item = ItemFactory()
    with database.transaction() as own:
        take_stock(own, quantities={item.id: 1})
        reference = text("SELECT id FROM items_item WHERE id = :id FOR KEY SHARE NOWAIT")
        assert session.scalar(reference, {"id": item.id}) == item.id

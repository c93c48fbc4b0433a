from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.items.queries import list_items
from apps.items.seeds import bulk, sample
from apps.items.seeds.shop import SELLER_EMAIL, WARES
from apps.users.queries import find_user_by_email
from project.db import bulk as loading
from tests.factories.items import ItemFactory

INDEXES = text("SELECT indexdef FROM pg_indexes WHERE tablename = 'items_item' ORDER BY 1")
CONSTRAINTS = text(
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = 'items_item'::regclass ORDER BY 1"
)


def test_sample_fills_an_empty_catalogue(session: Session) -> None:
    assert sample(session) == len(WARES) == len({ware.name for ware in WARES})
    newest = list_items(session, limit=1).rows[0]
    assert newest.name == WARES[0].name
    seller = find_user_by_email(session, SELLER_EMAIL)
    assert seller is not None
    assert (seller.id, seller.password_hash) == (newest.owner_id, None)


def test_sample_leaves_a_catalogue_alone(session: Session) -> None:
    ItemFactory()
    assert (sample(session), session.scalar(select(func.count(Item.id)))) == (0, 1)


def test_bulk_loads_exactly_so_many(session: Session) -> None:
    heard: list[int] = []
    bulk(session, count=4_001, progress=heard.append)
    assert heard == [2_000, 4_000, 4_001]
    assert session.scalar(select(func.count(Item.id))) == 4_001


def test_bulk_is_the_same_every_time(session: Session) -> None:
    bulk(session, count=50, progress=lambda _: None)
    bulk(session, count=50, progress=lambda _: None)
    columns = select(Item.name, Item.description, Item.price, Item.stock, Item.created_at)
    rows = session.execute(columns.order_by(Item.id)).all()
    assert rows[:50] == rows[50:]


def test_bulk_is_believable(session: Session) -> None:
    bulk(session, count=1_000, progress=lambda _: None)
    assert len(list_items(session, limit=100, words="handmade").rows) == 100
    assert len(list_items(session, limit=100, words="LX0000500").rows) == 1
    low, high = session.execute(select(func.min(Item.price), func.max(Item.price))).one()
    assert Decimal(5) <= low < high <= Decimal(10_000)


def test_large_load_restores_indexes_and_keys(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = session.execute(INDEXES).all(), session.execute(CONSTRAINTS).all()
    monkeypatch.setattr(loading, "WORTH_REBUILDING", 100)
    bulk(session, count=100, progress=lambda _: None)
    assert (session.execute(INDEXES).all(), session.execute(CONSTRAINTS).all()) == before

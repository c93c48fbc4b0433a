"""Reads."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, select
from sqlalchemy.orm import Session, joinedload, selectinload

from apps.items import search
from apps.items.errors import ImageNotFound, ItemNotFound
from apps.items.models import Image, Item
from project.db.keyset import Order, Slice, cut_page, page_values, select_page

ITEMS, IMAGES = Item.__table__, Image.__table__

ORDERS = {
    order.name: order
    for order in (
        Order("created_at", (Item.created_at, Item.id)),
        Order("-created_at", (Item.created_at, Item.id), descending=True),
        Order("price", (Item.price, Item.id)),
        Order("-price", (Item.price, Item.id), descending=True),
        Order("name", (Item.name, Item.id)),
        Order("-name", (Item.name, Item.id), descending=True),
    )
}
"""Every order that a list offers, by its name; each has an index."""

NEWEST_FIRST = "-created_at"


@dataclass(frozen=True, kw_only=True)
class ItemFilter:
    """Which items a list shows; None stands for all."""

    owner_id: int | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool | None = None

    def conditions(self, item: Any = Item) -> list[ColumnElement[bool]]:
        """Return what goes into WHERE, for the table or an alias of it."""
        conditions: list[ColumnElement[bool]] = []
        if self.owner_id is not None:
            conditions.append(item.owner_id == self.owner_id)
        if self.min_price is not None:
            conditions.append(item.price >= self.min_price)
        if self.max_price is not None:
            conditions.append(item.price <= self.max_price)
        if self.in_stock is not None:
            conditions.append(item.stock > 0 if self.in_stock else item.stock == 0)
        return conditions


class Picture(NamedTuple):
    """What a reader needs to know of an item's picture."""

    item_id: int
    digest: str
    width: int
    height: int


class ShownItem(NamedTuple):
    """An item to be read, not changed: a plain row costs a third of an entity."""

    id: int
    name: str
    description: str
    price: Decimal
    stock: int
    owner_id: int
    created_at: datetime
    updated_at: datetime
    digest: str | None
    width: int
    height: int

    @property
    def image(self) -> Picture | None:
        """Its picture, if it has one."""
        if self.digest is None:
            return None
        return Picture(self.id, self.digest, self.width, self.height)


# Built once. Of the tables, not of the classes: then the ORM has no part in it.
SHOWN_ITEMS = select(
    *(ITEMS.c[name] for name in ShownItem._fields[:8]),
    *(IMAGES.c[name] for name in ShownItem._fields[8:]),
).join_from(ITEMS, IMAGES, IMAGES.c.item_id == ITEMS.c.id, isouter=True)
SHOWN_ITEM = SHOWN_ITEMS.where(ITEMS.c.id == bindparam("item_id"))


def show_item(session: Session, item_id: int) -> ShownItem:
    """Return the item with this id as a row. Raises ItemNotFound."""
    row = session.execute(SHOWN_ITEM, {"item_id": item_id}).one_or_none()
    if row is None:
        raise ItemNotFound
    return ShownItem._make(row)


ITEM = select(Item).where(Item.id == bindparam("item_id")).options(joinedload(Item.image))

# What the session may know already is older than the lock. So is what a join would bring: of its
# tables, only the locked one is read again after the wait.
LOCKED_ITEM = (
    select(Item)
    .where(Item.id == bindparam("item_id"))
    .options(selectinload(Item.image))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def find_item(session: Session, item_id: int, *, for_update: bool = False) -> Item | None:
    """Return the item with this id, if there is one; `for_update` locks its row."""
    return session.scalar(LOCKED_ITEM if for_update else ITEM, {"item_id": item_id})


def get_item(session: Session, item_id: int, *, for_update: bool = False) -> Item:
    """Return the item with this id; `for_update` locks its row. Raises ItemNotFound."""
    item = find_item(session, item_id, for_update=for_update)
    if item is None:
        raise ItemNotFound
    return item


class Offer(NamedTuple):
    """What an item costs, and how many there are."""

    id: int
    name: str
    price: Decimal
    stock: int


def lock_offers(session: Session, item_ids: Collection[int]) -> dict[int, Offer]:
    """Lock these items until the end of the transaction; those that are missing are left out.

    Everybody who locks several items comes through here. They are locked one after the other
    in the order of their ids, so that no two transactions ever wait for each other. The lock
    lets rows be inserted that refer to an item.
    """
    statement = (
        select(Item.id, Item.name, Item.price, Item.stock)
        .where(Item.id.in_(item_ids))
        .order_by(Item.id)
        .with_for_update(key_share=True)
    )
    return {row.id: Offer(*row) for row in session.execute(statement)}


def find_image(session: Session, item_id: int) -> Image | None:
    """Return the picture of the item with this id, if it has one."""
    return session.scalar(select(Image).where(Image.item_id == item_id))


def get_image(session: Session, item_id: int) -> Image:
    """Return the picture of the item with this id. Raises ItemNotFound and ImageNotFound."""
    image = find_image(session, item_id)
    if image is None:
        get_item(session, item_id)
        raise ImageNotFound
    return image


def list_items(
    session: Session,
    *,
    limit: int,
    cursor: str | None = None,
    sort: str = NEWEST_FIRST,
    wanted: ItemFilter = ItemFilter(),
    words: str = "",
) -> Slice[Item | ShownItem]:
    """Return a page of items in one of ORDERS; with `words`, those that have all of them.

    Raises InvalidCursor (422) for a cursor of another order.
    """
    order = ORDERS[sort]
    if words.strip():
        query = search.Search(words, order, wanted.conditions, limit=limit, cursor=cursor)
        return query.fetch(session)
    statement = _select_shown(sort, is_first=cursor is None)
    if conditions := wanted.conditions(ITEMS.c):
        statement = statement.where(*conditions)
    rows = session.execute(statement, page_values(order, limit=limit, cursor=cursor)).all()
    return cut_page([ShownItem._make(row) for row in rows], order, limit)


@cache
def _select_shown(sort: str, *, is_first: bool) -> Select[Any]:
    """Build a list's statement without its filters: one for each order, and one to go on."""
    return select_page(SHOWN_ITEMS, ORDERS[sort].on(ITEMS.c), is_first=is_first)

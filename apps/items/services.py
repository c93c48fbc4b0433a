"""Writes."""

from decimal import Decimal
from typing import TypedDict, Unpack

from sqlalchemy.orm import Session

from apps.items.models import Item


class ItemChanges(TypedDict, total=False):
    """What may be changed; what is left out stays."""

    name: str
    description: str
    price: Decimal
    stock: int


def create_item(
    session: Session,
    *,
    owner_id: int,
    name: str,
    price: Decimal,
    description: str = "",
    stock: int = 0,
) -> Item:
    """Put an item into the catalogue."""
    item = Item(name=name, description=description, price=price, stock=stock, owner_id=owner_id)
    session.add(item)
    session.flush()  # item.id, and the times that the database tells
    return item


def update_item(session: Session, *, item: Item, **changes: Unpack[ItemChanges]) -> Item:
    """Change an item that the caller has locked."""
    for name, value in changes.items():
        setattr(item, name, value)
    session.flush()  # item.updated_at
    return item


def delete_item(session: Session, *, item: Item) -> None:
    """Take an item out of the catalogue for good."""
    session.delete(item)
    session.flush()  # a row that still refers to it refuses here

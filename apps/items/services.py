"""Writes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypedDict, Unpack

from sqlalchemy import ARRAY, BigInteger, Integer, column, func, literal, update
from sqlalchemy.orm import Session

from apps.items.errors import ImageNotFound, NameMissing, OutOfStock, UnknownItem
from apps.items.models import Image, Item
from apps.items.queries import Offer, find_image, lock_offers
from apps.items.rendering import SIZES
from project.db.commit import on_commit
from project.storage import Storage


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
    """Put an item into the catalogue. Raises NameMissing."""
    _refuse_blank(name)
    item = Item(name=name, description=description, price=price, stock=stock, owner_id=owner_id)
    item.image = None
    session.add(item)
    session.flush()  # item.id, and the times that the database tells
    return item


def create_items(session: Session, *, items: Sequence[Mapping[str, Any]]) -> Sequence[Item]:
    """Put many items into the catalogue at once, each as `create_item` does.

    Raises NameMissing.
    """
    for values in items:
        _refuse_blank(values["name"])
    made = [Item(**values) for values in items]
    session.add_all(made)
    session.flush()  # with one statement for all of them
    return made


def update_item(session: Session, *, item: Item, **changes: Unpack[ItemChanges]) -> Item:
    """Change an item that the caller has locked. Raises NameMissing."""
    _refuse_blank(changes.get("name", item.name))
    for name, value in changes.items():
        setattr(item, name, value)
    session.flush()  # item.updated_at
    return item


def _refuse_blank(name: str) -> None:
    if not name.strip():
        raise NameMissing


def delete_item(session: Session, *, item: Item, files: Storage) -> None:
    """Take an item out of the catalogue for good, and its picture with it."""
    image = find_image(session, item.id)
    if image is not None:
        _delete_files(session, image.key, files)
    session.delete(item)
    session.flush()  # a row that still refers to it refuses here


def take_stock(session: Session, *, quantities: Mapping[int, int]) -> dict[int, Offer]:
    """Take so many of each item (by its id) out of stock, all or nothing; return what was offered.

    The items stay locked until the transaction ends. Raises UnknownItem or OutOfStock, which
    name every item that is concerned.
    """
    offers = lock_offers(session, quantities)
    unknown = sorted(quantities.keys() - offers.keys())
    if unknown:
        raise UnknownItem(f"There is no item {', '.join(map(str, unknown))}.")
    short = [offer for offer in offers.values() if offer.stock < quantities[offer.id]]
    if short:
        left = ", ".join(f"{offer.stock} of item {offer.id}" for offer in short)
        raise OutOfStock(f"There are only {left} left.")
    _change_stock(session, {key: -quantity for key, quantity in quantities.items()})
    return offers


def return_stock(session: Session, *, quantities: Mapping[int, int]) -> None:
    """Put so many of each item (by its id) back into stock."""
    lock_offers(session, quantities)
    _change_stock(session, quantities)


def _change_stock(session: Session, changes: Mapping[int, int]) -> None:
    """Add to the stock of items that are locked, all of them with one statement."""
    keys, amounts = list(changes.keys()), list(changes.values())
    change = (
        func.unnest(literal(keys, ARRAY(BigInteger)), literal(amounts, ARRAY(Integer)))
        .table_valued(column("item_id", BigInteger), column("amount", Integer))
        .render_derived(name="change")
    )
    session.execute(
        update(Item).where(Item.id == change.c.item_id).values(stock=Item.stock + change.c.amount)
    )


def set_image(
    session: Session,
    *,
    item: Item,
    key: str,
    digest: str,
    width: int,
    height: int,
    files: Storage,
) -> Item:
    """Give an item that the caller has locked a picture whose files are stored already."""
    if item.image is not None:
        _delete_files(session, item.image.key, files)
    image = item.image or Image()
    image.key, image.digest, image.width, image.height = key, digest, width, height
    item.image = image
    _touch(item)
    session.flush()  # item.updated_at
    return item


def remove_image(session: Session, *, item: Item, files: Storage) -> Item:
    """Take the picture off an item that the caller has locked. Raises ImageNotFound."""
    if item.image is None:
        raise ImageNotFound
    _delete_files(session, item.image.key, files)
    item.image = None
    _touch(item)
    session.flush()  # item.updated_at
    return item


def _touch(item: Item) -> None:
    """Count a change of the picture as one of the item: whoever reads one sees the other."""
    item.updated_at = func.now()


def _delete_files(session: Session, key: str, files: Storage) -> None:
    """Delete a picture's files, but not before nobody can ask for them."""
    on_commit(session, partial(files.delete, *file_names(key).values()))


def file_names(key: str) -> dict[str, str]:
    """Return where a picture's renditions are stored."""
    return {size: f"{key}-{size}.webp" for size in SIZES}

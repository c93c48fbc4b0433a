"""Pages, orders and searches, against a real database with enough rows to have plans."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, func, insert, literal, select
from sqlalchemy.orm import Session

from apps.items import search
from apps.items.errors import ItemNotFound
from apps.items.models import Image, Item
from apps.items.queries import ORDERS, ItemFilter, find_item, get_item, list_items
from apps.items.seeds import bulk
from tests.database import TestDatabase
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory

# Enough for an index to be worth it, and for the walk to be longer than the stroll.
MANY = 20_000

SEARCHES = {
    "frequent": "handmade",
    "one in a hundred": "greenhouse",
    "rare": "LX0000123",
    "absent": "doesnotexist",
    "prefix": "doorm",
    "never together": "oak walnut",
    "all at one end": "LX000",
}


def test_get_item_that_is_missing(session: Session) -> None:
    assert find_item(session, 1) is None
    with pytest.raises(ItemNotFound):
        get_item(session, 1)


def test_lock_reads_the_row_anew(session: Session) -> None:
    item = ItemFactory(stock=3)
    session.execute(
        Item.__table__.update().values(stock=2)  # type: ignore[attr-defined]
    )
    assert get_item(session, item.id, for_update=True).stock == 2


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("words", ["", "lamp"])
def test_each_row_once_while_others_come(session: Session, sort: str, words: str) -> None:
    # Names, prices and, in one transaction, times: all of them have equals.
    owner = UserFactory()
    add_items(session, owner.id, 230)
    expected = set(session.scalars(select(Item.id)))
    seen = []
    cursor: str | None = ""
    while cursor is not None:
        page = list_items(session, limit=17, sort=sort, words=words, cursor=cursor or None)
        seen += [item.id for item in page.rows]
        cursor = page.next_cursor
        add_items(session, owner.id, 2)
    assert len(seen) == len(set(seen))
    assert expected <= set(seen)


def add_items(session: Session, owner_id: int, count: int) -> None:
    session.add_all(
        Item(name=f"Lamp {n % 5}", price=Decimal(n % 7), stock=1, owner_id=owner_id)
        for n in range(count)
    )
    session.flush()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("walnut", True),
        ("WALNUT lamp", True),
        ("lamp walnut desk", True),
        ("walnut lam", True),
        ("wal lamp", False),  # only the last word may be a beginning
        ("la", False),  # and not one this short
        ("walnut chair", False),
        ("a5", True),
        ("usb-c", True),
        ("USB", True),
        ("c", True),
        ("1.5", True),
        ("1,5", True),
        ("café", True),
        ("日本", True),
        ("it's 'walnut'", True),
        ("jointed arm", True),
        ("&", False),
    ],
)
def test_words(session: Session, words: str, found: bool) -> None:
    ItemFactory(
        name="Walnut desk lamp A4/A5",
        description="It's a jointed arm, USB-C, 1.5 kg; for the CAFÉ. 日本語",
    )
    assert bool(list_items(session, limit=1, words=words).rows) is found


@pytest.fixture
def many_items(database: TestDatabase) -> Iterator[Session]:
    with database.sessions() as session:
        bulk(session, count=MANY, progress=lambda _: None)
        session.execute(
            # As many pictures as items: with a few of them a scan would be the best plan.
            insert(Image).from_select(
                ["item_id", "key", "digest", "width", "height"],
                select(Item.id, literal("key"), literal("digest"), literal(1), literal(1)),
            )
        )
        session.commit()
        yield session


@pytest.mark.committed
def test_every_page_comes_from_an_index(many_items: Session) -> None:
    plans: list[str] = []
    with explaining(many_items, plans.append):
        for sort in ORDERS:
            page = list_items(many_items, limit=20, sort=sort)
            list_items(many_items, limit=20, sort=sort, cursor=deep_cursor(many_items, sort))
            list_items(many_items, limit=20, sort=sort, cursor=page.next_cursor)
            for words in SEARCHES.values():
                list_items(many_items, limit=20, sort=sort, words=words)
    assert len(plans) > len(ORDERS) * (2 + len(SEARCHES))
    assert not [plan for plan in plans if "Seq Scan" in plan]


@pytest.mark.committed
def test_every_way_of_searching_finds_the_same(
    many_items: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = [(sort, words) for sort in ORDERS for words in SEARCHES.values()]
    cheap = ItemFilter(max_price=Decimal(500))
    expected = [found(many_items, sort, words, cheap) for sort, words in searched]
    for stroll, walk, rare in ((1, 1, MANY), (1, 1, 1), (MANY, MANY, 1), (1, MANY, 1)):
        monkeypatch.setattr(search, "STROLL", stroll)
        monkeypatch.setattr(search, "WALK", walk)
        monkeypatch.setattr(search, "RARE", rare)
        assert [found(many_items, sort, words, cheap) for sort, words in searched] == expected


def found(session: Session, sort: str, words: str, wanted: ItemFilter) -> list[int]:
    """Return the ids of the first two pages."""
    first = list_items(session, limit=10, sort=sort, words=words, wanted=wanted)
    rows = list(first.rows)
    if first.next_cursor:
        cursor = first.next_cursor
        rows += list_items(
            session, limit=10, sort=sort, words=words, wanted=wanted, cursor=cursor
        ).rows
    return [item.id for item in rows]


def deep_cursor(session: Session, sort: str) -> str | None:
    """Follow the list to its middle, a hundred at a time."""
    cursor = None
    for _ in range((session.scalar(select(func.count(Item.id))) or 0) // 200):
        cursor = list_items(session, limit=100, sort=sort, cursor=cursor).next_cursor
    return cursor


class explaining:  # noqa: N801 - reads as what it does: `with explaining(…)`
    """Hand the plan of every SELECT in the block to `collect`."""

    def __init__(self, session: Session, collect: Callable[[str], None]) -> None:
        self._engine = session.get_bind()
        self._collect = collect

    def __enter__(self) -> None:
        event.listen(self._engine, "before_cursor_execute", self._explain)

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._explain)

    def _explain(self, _: object, cursor: Any, statement: str, values: Any, *__: object) -> None:
        if "count(items_item.id)" in statement or "items_item" not in statement:
            return
        cursor.execute(f"EXPLAIN {statement}", values)
        self._collect("\n".join(row[0] for row in cursor.fetchall()))

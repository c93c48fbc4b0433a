import base64
import json
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import BigInteger, DateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from project.db.keyset import InvalidCursor, Order, cut_page, decode_cursor, encode_cursor


class Base(DeclarativeBase):
    """Of this file alone: a cursor asks no database."""


class Thing(Base):
    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str]
    price: Mapped[Decimal]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


BY_TIME = Order("time", (Thing.created_at, Thing.id))
BY_PRICE = Order("price", (Thing.price, Thing.id))
BY_NAME = Order("name", (Thing.name, Thing.id), descending=True)

MOMENT = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)


@pytest.mark.parametrize(
    ("order", "values"),
    [
        (BY_TIME, {"created_at": MOMENT, "id": 1}),
        (BY_PRICE, {"price": Decimal("12.50"), "id": 2**63 - 1}),
        (BY_NAME, {"name": "Ünï\ud7ff🙂'%", "id": 3}),
        (BY_NAME, {"name": "🙂" * 200, "id": 3}),
    ],
)
def test_cursor_comes_back(order: Order, values: dict[str, Any]) -> None:
    cursor = encode_cursor(SimpleNamespace(**values), order)
    assert decode_cursor(cursor, order) == list(values.values())
    assert len(cursor) < 4096  # what the API accepts


def forge(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "a",
        "ü",
        "====",
        "bm90IGpzb24",
        forge(None),
        forge(7),
        forge([]),
        forge({}),
        forge(["price", "1.00", 1]),
        forge(["time", MOMENT.isoformat()]),
        forge(["time", MOMENT.isoformat(), 1, 1]),
        forge(["time", "yesterday", 1]),
        forge(["time", "2026-02-03T04:05:06", 1]),
        forge(["time", "0001-01-01T00:00:00+23:00", 1]),
        forge(["time", MOMENT.isoformat(), "1"]),
        forge(["time", MOMENT.isoformat(), True]),
        forge(["time", MOMENT.isoformat(), 1.5]),
        forge(["time", MOMENT.isoformat(), 2**63]),
        base64.urlsafe_b64encode(b"[" * 3000).decode(),
        base64.urlsafe_b64encode(b'["time","2026-02-03T04:05:06Z",' + b"9" * 5000 + b"]").decode(),
    ],
)
def test_forged_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor, BY_TIME)


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1e999", "0e-999999", "x", None, 1])
def test_prices_that_are_none_are_refused(price: object) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(forge(["price", price, 1]), BY_PRICE)


@pytest.mark.parametrize("name", ["a\x00", "\ud800", "x" * 2001, None, 1, ["a"]])
def test_names_that_are_none_are_refused(name: object) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(forge(["name", name, 1]), BY_NAME)


def test_times_are_told_in_utc() -> None:
    cursor = forge(["time", "2026-02-03T04:05:06+23:00", 1])
    assert decode_cursor(cursor, BY_TIME) == [datetime(2026, 2, 2, 5, 5, 6, tzinfo=UTC), 1]


def test_direction_decides_the_comparison() -> None:
    assert " < " in str(BY_NAME.after(["a", 1]))
    assert " > " in str(BY_PRICE.after([Decimal(1), 1]))


def test_page_ends_where_there_is_no_more() -> None:
    rows = [SimpleNamespace(price=Decimal(n), id=n) for n in range(3)]
    assert cut_page(rows, BY_PRICE, 3).next_cursor is None
    page = cut_page(rows, BY_PRICE, 2)
    assert page.next_cursor is not None
    assert decode_cursor(page.next_cursor, BY_PRICE) == [Decimal(1), 1]

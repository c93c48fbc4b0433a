"""Keyset pagination: pages that cost the same however deep they lie.

A cursor is the sort key of the last row seen. The next page starts behind it by an index,
where `OFFSET` would count its way through all the rows before; and rows that come or go
meanwhile neither repeat nor hide others.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, bindparam, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from project.db.base import MAXIMUM_ID
from project.errors import Invalid

T = TypeVar("T")
Row_co = TypeVar("Row_co", covariant=True)

MAXIMUM_TEXT = 2000
MAXIMUM_DIGITS = 100


class InvalidCursor(Invalid):
    code = "invalid_cursor"
    title = "The cursor is not one of ours, or belongs to another order"


@dataclass(frozen=True)
class Order:
    """A total order: its name in the API, its columns (the last one unique), its direction.

    All columns run in one direction, so that one index and one row comparison serve it.
    None of them may be NULL.
    """

    name: str
    columns: Sequence[InstrumentedAttribute[Any]]
    descending: bool = False

    def clauses(self) -> list[ColumnElement[Any]]:
        """Return what goes into ORDER BY."""
        return [c.desc() if self.descending else c.asc() for c in self.columns]

    def after(self, values: Sequence[Any] | None = None) -> ColumnElement[bool]:
        """Return the condition for the rows behind these values, or those of `page_values`."""
        key = tuple_(*self.columns)
        # Typed as the columns are: a value of another type would keep the index from being used.
        if values is None:
            named = enumerate(self.columns)
            position = tuple_(*(bindparam(f"after_{n}", type_=column.type) for n, column in named))
        else:
            pairs = zip(values, self.columns, strict=True)
            position = tuple_(*(literal(value, column.type) for value, column in pairs))
        return key < position if self.descending else key > position

    def on(self, entity: Any) -> "Order":
        """Return the same order for an alias of the model, a subquery say."""
        return replace(self, columns=[getattr(entity, column.key) for column in self.columns])


class Slice(NamedTuple, Generic[Row_co]):
    """One page of rows and the cursor of the next, None at the end."""

    rows: Sequence[Row_co]
    next_cursor: str | None


def fetch_page(
    session: Session, statement: Select[T], order: Order, *, limit: int, cursor: str | None
) -> Slice[T]:
    """Fetch up to `limit` entities in this order, behind the cursor if there is one.

    Raises InvalidCursor (422) for a cursor that this order did not make.
    """
    page = select_page(statement, order, is_first=cursor is None)
    rows = session.scalars(page, page_values(order, limit=limit, cursor=cursor)).all()
    return cut_page(rows, order, limit)


def select_page(statement: Select[T], order: Order, *, is_first: bool) -> Select[T]:
    """Return the statement for the first or a later page, to be run with `page_values`.

    Its values are left open, so that it can be built once and kept.
    """
    if not is_first:
        statement = statement.where(order.after())
    return statement.order_by(*order.clauses()).limit(bindparam("page_size", type_=Integer))


def page_values(order: Order, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """Return what a page's statement is run with: one row more, for `cut_page`.

    Raises InvalidCursor (422) for a cursor that this order did not make.
    """
    position = [] if cursor is None else decode_cursor(cursor, order)
    # One row more than asked for tells whether there is a next page, without a COUNT.
    return {"page_size": limit + 1, **{f"after_{n}": value for n, value in enumerate(position)}}


def cut_page(rows: Sequence[T], order: Order, limit: int) -> Slice[T]:
    """Make a page of up to `limit + 1` rows, the last of which only tells that there are more."""
    if len(rows) <= limit:
        return Slice(rows, None)
    return Slice(rows[:limit], encode_cursor(rows[limit - 1], order))


def encode_cursor(row: Any, order: Order) -> str:
    """Write the row's sort key down, with the order it belongs to."""
    values = [_to_json(getattr(row, column.key)) for column in order.columns]
    packed = json.dumps([order.name, *values], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(cursor: str, order: Order) -> list[Any]:
    """Read a sort key back. Raises InvalidCursor for anything that `encode_cursor` did not make."""
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        name, *texts = json.loads(packed)
        if name != order.name or len(texts) != len(order.columns):
            raise InvalidCursor
        return [_from_json(text, c) for text, c in zip(texts, order.columns, strict=True)]
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise InvalidCursor from error


def _to_json(value: Any) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


def _from_json(value: Any, column: InstrumentedAttribute[Any]) -> Any:
    kind = column.type.python_type
    if kind is int:
        return _checked(value, type(value) is int and abs(value) <= MAXIMUM_ID)
    text: str = _checked(value, isinstance(value, str) and len(value) <= MAXIMUM_TEXT)
    if kind is datetime:
        moment = datetime.fromisoformat(text)
        # In UTC, because PostgreSQL refuses some of the offsets that Python takes.
        return _checked(moment, moment.tzinfo is not None).astimezone(UTC)
    if kind is Decimal:
        number = Decimal(text)
        return _checked(number, number.is_finite() and abs(number.adjusted()) <= MAXIMUM_DIGITS)
    if kind is UUID:
        return UUID(text)
    text.encode()
    return _checked(text, "\x00" not in text)


def _checked(value: Any, is_good: bool) -> Any:
    if not is_good:
        raise ValueError("not a cursor value")
    return value

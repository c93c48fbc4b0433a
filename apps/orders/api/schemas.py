from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from project.web.schemas import Id, Schema

MAXIMUM_LINES = 100
MAXIMUM_QUANTITY = 10_000


class OrderLineCreate(Schema):
    item_id: Id
    quantity: Annotated[int, Field(ge=1, le=MAXIMUM_QUANTITY)]


def _distinct(lines: Sequence[OrderLineCreate]) -> Sequence[OrderLineCreate]:
    """Refuse an item that stands in two lines.

    Whoever sends one twice has more often added it twice by mistake than meant the sum, and
    the lines of the answer shall be those of the request.
    """
    if len({line.item_id for line in lines}) < len(lines):
        raise ValueError("must name each item once")
    return lines


class OrderCreate(Schema):
    lines: Annotated[
        list[OrderLineCreate],
        Field(min_length=1, max_length=MAXIMUM_LINES),
        AfterValidator(_distinct),
    ]


class OrderLineRead(Schema):
    item_id: int
    name: str
    unit_price: Decimal
    """What the item cost when it was ordered, a string such as "12.50"."""

    quantity: int
    line_total: Decimal


OrderStatus = Literal["placed", "cancelled"]


class OrderEvent(Schema):
    """The `data` of an `event: status`."""

    id: int
    status: OrderStatus


class OrderRead(Schema):
    id: int
    status: OrderStatus
    total: Decimal
    """A string such as "12.50"."""

    lines: list[OrderLineRead]
    created_at: datetime

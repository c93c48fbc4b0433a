from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from apps.items.models import DESCRIPTION_LENGTH, MAXIMUM_STOCK, NAME_LENGTH
from project.web.schemas import Money, Schema, Storable, Text

Sort = Literal["created_at", "-created_at", "price", "-price", "name", "-name"]
"""The names of apps.items.queries.ORDERS."""

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH), Storable
]
Description = Annotated[Text, Field(max_length=DESCRIPTION_LENGTH)]
Stock = Annotated[int, Field(ge=0, le=MAXIMUM_STOCK)]


def _unset() -> Any:
    """Stand for what was left out. Nobody reads it: only what was sent is changed."""


class ItemCreate(Schema):
    name: Name
    description: Description = ""
    price: Money
    stock: Stock = 0


class ItemUpdate(Schema):
    """What is left out stays as it is; nothing can be made null."""

    name: Name = Field(default_factory=_unset)
    description: Description = Field(default_factory=_unset)
    price: Money = Field(default_factory=_unset)
    stock: Stock = Field(default_factory=_unset)


class ItemRead(Schema):
    id: int
    name: str
    description: str
    price: Decimal
    """A string such as "12.50"."""

    stock: int
    owner_id: int
    created_at: datetime
    updated_at: datetime

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from apps.items.models import DESCRIPTION_LENGTH, MAXIMUM_STOCK, NAME_LENGTH, Image
from apps.items.queries import Picture
from apps.items.rendering import SIZES
from project.web.schemas import Money, Schema, Storable, Text

Sort = Literal["created_at", "-created_at", "price", "-price", "name", "-name"]
"""The names of apps.items.queries.ORDERS."""

ImageSize = Literal["small", "large"]
"""The names of apps.items.rendering.SIZES."""

IMAGE_PATH = "/api/v1/items/{item_id}/image"
VERSION_LENGTH = 16

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


class ImageRead(Schema):
    """Where a picture is found as WebP; the addresses change whenever the picture does."""

    small: str
    """Up to 320 pixels on its longer side."""

    large: str
    """Up to 1280 pixels on its longer side."""

    width: int
    """Pixels of the large one; the small one has the same proportions."""

    height: int

    @model_validator(mode="before")
    @classmethod
    def _with_addresses(cls, value: Any) -> Any:
        if not isinstance(value, (Image, Picture)):
            return value
        base = f"{IMAGE_PATH.format(item_id=value.item_id)}?v={version_of(value)}"
        addresses = {size: f"{base}&size={size}" for size in SIZES}
        return {**addresses, "width": value.width, "height": value.height}


def version_of(image: Image | Picture) -> str:
    """Return what stands in a picture's addresses, so that they can be cached for ever."""
    return image.digest[:VERSION_LENGTH]


class ItemRead(Schema):
    id: int
    name: str
    description: str
    price: Decimal
    """A string such as "12.50"."""

    stock: int
    owner_id: int
    image: ImageRead | None
    created_at: datetime
    updated_at: datetime

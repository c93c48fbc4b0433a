"""What every schema shares: hostile text and numbers end at the door."""

from decimal import Decimal
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from project.db.base import MAXIMUM_ID


class Schema(BaseModel):
    """A request's or response's shape; reads ORM objects, ignores what it does not know."""

    model_config = ConfigDict(from_attributes=True, allow_inf_nan=False, hide_input_in_errors=True)


def _storable(text: str) -> str:
    """Refuse what PostgreSQL cannot store: NUL, and halves of surrogate pairs."""
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must be valid Unicode") from error
    return text


Storable = AfterValidator(_storable)
"""Goes behind a string's bounds: `Annotated[str, Field(max_length=200), Storable]`."""

Text = Annotated[str, Storable]
"""A string that PostgreSQL can store."""

Id = Annotated[int, Field(ge=1, le=MAXIMUM_ID)]
"""A bigint key."""

PathId = Annotated[int, Path(ge=1, le=MAXIMUM_ID)]
"""A bigint key in a path; larger ones are a 422, not an error of the database."""

Money = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2, allow_inf_nan=False)]
"""An amount with two decimals; a string such as "12.50" in JSON."""

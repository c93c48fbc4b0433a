"""Lists answer `{"items": […], "next_cursor": "…" | null}`."""

from typing import Annotated, Generic, TypeVar

from fastapi import Query

from project.web.schemas import Schema

T = TypeVar("T")

DEFAULT_LIMIT = 20
MAXIMUM_LIMIT = 100


class Page(Schema, Generic[T]):
    """A page of a list; ask for the next one with `cursor=<next_cursor>`."""

    items: list[T]
    next_cursor: str | None


Limit = Annotated[int, Query(ge=1, le=MAXIMUM_LIMIT, description="How many at most.")]

Cursor = Annotated[
    str | None, Query(max_length=4096, description="`next_cursor` of the page before.")
]

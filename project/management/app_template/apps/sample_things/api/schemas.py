from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from apps.sample_things.models import TITLE_LENGTH
from project.web.schemas import Schema, Storable

Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_LENGTH), Storable
]


def _unset() -> Any:
    """Stand for what was left out. Nobody reads it: only what was sent is changed."""


class SampleThingCreate(Schema):
    title: Title


class SampleThingUpdate(Schema):
    """What is left out stays as it is; nothing can be made null."""

    title: Title = Field(default_factory=_unset)


class SampleThingRead(Schema):
    id: int
    title: str
    owner_id: int
    created_at: datetime
    updated_at: datetime

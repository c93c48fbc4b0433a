"""Writes."""

from typing import TypedDict, Unpack

from sqlalchemy.orm import Session

from apps.sample_things.errors import TitleMissing
from apps.sample_things.models import SampleThing


class SampleThingChanges(TypedDict, total=False):
    """What may be changed; what is left out stays."""

    title: str


def create_sample_thing(session: Session, *, owner_id: int, title: str) -> SampleThing:
    """Create one that belongs to this account. Raises TitleMissing."""
    _check_title(title)
    sample_thing = SampleThing(owner_id=owner_id, title=title)
    session.add(sample_thing)
    session.flush()  # its id, and the times that the database tells
    return sample_thing


def update_sample_thing(
    session: Session, *, sample_thing: SampleThing, **changes: Unpack[SampleThingChanges]
) -> SampleThing:
    """Change one that the caller has locked. Raises TitleMissing."""
    if "title" in changes:
        _check_title(changes["title"])
    for name, value in changes.items():
        setattr(sample_thing, name, value)
    session.flush()  # its updated_at
    return sample_thing


def delete_sample_thing(session: Session, *, sample_thing: SampleThing) -> None:
    """Delete one that the caller has locked."""
    session.delete(sample_thing)
    session.flush()  # a row that still refers to it refuses here


def _check_title(title: str) -> None:
    if not title.strip():
        raise TitleMissing

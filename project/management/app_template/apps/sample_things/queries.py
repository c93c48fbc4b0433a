"""Reads."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.sample_things.errors import SampleThingNotFound
from apps.sample_things.models import SampleThing
from project.db import keyset

NEWEST_FIRST = keyset.Order("newest", (SampleThing.id,), descending=True)


def get_sample_thing(
    session: Session, sample_thing_id: int, *, for_update: bool = False
) -> SampleThing:
    """Return the one with this id; `for_update` locks its row.

    Raises SampleThingNotFound.
    """
    statement = select(SampleThing).where(SampleThing.id == sample_thing_id)
    if for_update:
        # What the session may know already is older than the lock.
        statement = statement.with_for_update().execution_options(populate_existing=True)
    sample_thing = session.scalar(statement)
    if sample_thing is None:
        raise SampleThingNotFound
    return sample_thing


def list_sample_things(
    session: Session, *, limit: int, cursor: str | None = None
) -> keyset.Slice[SampleThing]:
    """Return a page, newest first. Raises InvalidCursor."""
    statement = select(SampleThing)
    return keyset.fetch_page(session, statement, NEWEST_FIRST, limit=limit, cursor=cursor)

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from apps.sample_things import services
from apps.sample_things.errors import SampleThingNotFound, TitleMissing
from apps.sample_things.queries import get_sample_thing
from tests.factories.sample_things import SampleThingFactory
from tests.factories.users import UserFactory


def test_create(session: Session) -> None:
    owner = UserFactory.create()
    created = services.create_sample_thing(session, owner_id=owner.id, title="New")
    assert get_sample_thing(session, created.id).owner_id == owner.id
    assert str(created) == "New"


def test_update_tells_when(session: Session, statements: list[str]) -> None:
    changed = SampleThingFactory.create(title="Old")
    statements.clear()
    services.update_sample_thing(session, sample_thing=changed, title="New")
    assert changed.title == "New"
    assert changed.updated_at >= changed.created_at
    assert len(statements) == 1  # updated_at came with the UPDATE


def test_a_blank_title_is_refused(session: Session) -> None:
    changed = SampleThingFactory.create()
    with pytest.raises(TitleMissing):
        services.update_sample_thing(session, sample_thing=changed, title="  ")


def test_delete(session: Session) -> None:
    gone = SampleThingFactory.create()
    services.delete_sample_thing(session, sample_thing=gone)
    with pytest.raises(SampleThingNotFound):
        get_sample_thing(session, gone.id)


def test_an_owner_cannot_be_deleted(session: Session) -> None:
    session.delete(SampleThingFactory.create().owner)
    with pytest.raises(IntegrityError):
        session.flush()

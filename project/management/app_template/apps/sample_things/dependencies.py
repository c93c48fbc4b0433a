from typing import Annotated

from sqlalchemy.orm import Session

from apps.sample_things.errors import NotSampleThingOwner
from apps.sample_things.models import SampleThing
from apps.sample_things.queries import get_sample_thing
from project.web.access import permits
from project.web.permissions import is_permitted
from project.web.principal import CurrentPrincipal, Principal
from project.web.schemas import PathId
from project.web.transaction import DbSession, InTransaction

CHANGE = "sample_things.change_sample_thing"
DELETE = "sample_things.delete_sample_thing"


@permits("owner", "staff", CHANGE)
def changeable_sample_thing(
    session: DbSession, principal: CurrentPrincipal, sample_thing_id: PathId
) -> SampleThing:
    """Lock the one in the path for whoever may change it.

    Raises NotSampleThingOwner.
    """
    return _lock_for(session, principal, sample_thing_id, CHANGE)


ChangeableSampleThing = Annotated[SampleThing, InTransaction(changeable_sample_thing)]
"""The one in the path, locked, if whoever asks may change it."""


@permits("owner", "staff", DELETE)
def deletable_sample_thing(
    session: DbSession, principal: CurrentPrincipal, sample_thing_id: PathId
) -> SampleThing:
    """Lock the one in the path for whoever may delete it.

    Raises NotSampleThingOwner.
    """
    return _lock_for(session, principal, sample_thing_id, DELETE)


DeletableSampleThing = Annotated[SampleThing, InTransaction(deletable_sample_thing)]
"""The one in the path, locked, if whoever asks may delete it."""


def _lock_for(
    session: Session, principal: Principal, sample_thing_id: int, permission: str
) -> SampleThing:
    """Lock one for its owner, for staff, and for whoever holds the permission."""
    sample_thing = get_sample_thing(session, sample_thing_id, for_update=True)
    if not (sample_thing.owner_id == principal.id or is_permitted(principal, permission)):
        raise NotSampleThingOwner
    return sample_thing

from typing import Annotated

from apps.sample_things.errors import NotSampleThingOwner
from apps.sample_things.models import SampleThing
from apps.sample_things.queries import get_sample_thing
from project.web.principal import CurrentPrincipal
from project.web.schemas import PathId
from project.web.transaction import DbSession, InTransaction


def changeable_sample_thing(
    session: DbSession, principal: CurrentPrincipal, sample_thing_id: PathId
) -> SampleThing:
    """Lock the one in the path for its owner or for staff.

    Raises NotSampleThingOwner.
    """
    sample_thing = get_sample_thing(session, sample_thing_id, for_update=True)
    is_staff = principal.is_staff or principal.is_superuser
    if not (is_staff or sample_thing.owner_id == principal.id):
        raise NotSampleThingOwner
    return sample_thing


ChangeableSampleThing = Annotated[SampleThing, InTransaction(changeable_sample_thing)]
"""The one in the path, locked, if whoever asks may change it."""

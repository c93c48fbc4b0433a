from apps.sample_things import queries, services
from apps.sample_things.api.schemas import (
    SampleThingCreate,
    SampleThingRead,
    SampleThingUpdate,
)
from apps.sample_things.dependencies import ChangeableSampleThing, DeletableSampleThing
from project.web.pagination import DEFAULT_LIMIT, Cursor, Limit, Page
from project.web.principal import CurrentPrincipal
from project.web.route import Router
from project.web.schemas import PathId
from project.web.transaction import DbSession

router = Router(prefix="/sample_things", tags=["sample_things"])


@router.get("/")
def list_sample_things(
    session: DbSession, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[SampleThingRead]:
    """A page, newest first."""
    page = queries.list_sample_things(session, limit=limit, cursor=cursor)
    values = {"items": page.rows, "next_cursor": page.next_cursor}
    return Page[SampleThingRead].model_validate(values)


@router.get("/{sample_thing_id}")
def read_sample_thing(session: DbSession, sample_thing_id: PathId) -> SampleThingRead:
    """One sample thing."""
    sample_thing = queries.get_sample_thing(session, sample_thing_id)
    return SampleThingRead.model_validate(sample_thing)


@router.post("/", status_code=201)
def create_sample_thing(
    session: DbSession, principal: CurrentPrincipal, body: SampleThingCreate
) -> SampleThingRead:
    """Create one; it belongs to the account that is signed in."""
    values = body.model_dump()
    sample_thing = services.create_sample_thing(session, owner_id=principal.id, **values)
    return SampleThingRead.model_validate(sample_thing)


@router.patch("/{sample_thing_id}")
def update_sample_thing(
    session: DbSession, sample_thing: ChangeableSampleThing, body: SampleThingUpdate
) -> SampleThingRead:
    """Change one; for its owner, for staff, and for whoever holds the permission.

    What is left out stays as it is.
    """
    values = body.model_dump(exclude_unset=True)
    services.update_sample_thing(session, sample_thing=sample_thing, **values)
    return SampleThingRead.model_validate(sample_thing)


@router.delete("/{sample_thing_id}", status_code=204)
def delete_sample_thing(session: DbSession, sample_thing: DeletableSampleThing) -> None:
    """Delete one for good; for its owner, for staff, and for whoever holds the permission."""
    services.delete_sample_thing(session, sample_thing=sample_thing)

"""(c) Lintel: the whole application in production's settings, with three routes more.

All its middleware, its log and its account check (that the sign-in was not revoked) included.
"""

from sqlalchemy import bindparam, select

from apps.items import queries, services
from apps.items.api.schemas import ItemCreate
from apps.items.models import Item
from apps.users.dependencies import CurrentUser
from loadtests.law.shapes.documented import ItemList, ItemRead
from project.application import create_application
from project.settings import load_settings
from project.web.dispatch import index_routes
from project.web.principal import CurrentPrincipal
from project.web.route import Router
from project.web.schemas import PathId
from project.web.transaction import DbSession

ENTITIES = select(Item).order_by(Item.created_at, Item.id).limit(bindparam("page_size"))

router = Router()


@router.get("/items/{item_id}")
def read_item(session: DbSession, principal: CurrentPrincipal, item_id: PathId) -> ItemRead:
    return ItemRead.model_validate(queries.show_item(session, item_id))


@router.get("/items")
def list_items(session: DbSession, principal: CurrentPrincipal, limit: int = 20) -> ItemList:
    page = queries.list_items(session, sort="created_at", limit=limit)
    return ItemList.model_validate({"items": page.rows})


@router.get("/orm/items/{item_id}")
def read_entity(session: DbSession, user: CurrentUser, item_id: PathId) -> ItemRead:
    return ItemRead.model_validate(queries.get_item(session, item_id))


@router.get("/orm/items")
def list_entities(session: DbSession, user: CurrentUser, limit: int = 20) -> ItemList:
    items = session.scalars(ENTITIES, {"page_size": limit}).all()
    return ItemList.model_validate({"items": items})


@router.post("/items", status_code=201)
def create_item(session: DbSession, principal: CurrentPrincipal, body: ItemCreate) -> ItemRead:
    item = services.create_item(session, owner_id=principal.id, **body.model_dump())
    return ItemRead.model_validate(item)


app = create_application(load_settings(env_file=None))
app.include_router(router)
index_routes(app)

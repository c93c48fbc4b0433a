from typing import Annotated

from fastapi import Query, Response

from apps.items import queries, services
from apps.items.api.schemas import ItemCreate, ItemRead, ItemUpdate, Sort
from apps.items.dependencies import ChangeableItem
from apps.items.models import Item
from apps.items.queries import ItemFilter
from project.web.etags import CACHEABLE, GUARDED, IfMatch, IfNoneMatch, tagged, with_etag
from project.web.pagination import DEFAULT_LIMIT, Cursor, Limit, Page
from project.web.principal import CurrentPrincipal
from project.web.route import Router
from project.web.schemas import Id, Money, PathId, Text
from project.web.transaction import DbSession, InTransaction

router = Router(prefix="/items", tags=["items"])

Words = Annotated[Text, Query(max_length=200, description="Words to search for.")]
Price = Annotated[Money | None, Query()]
Owner = Annotated[Id | None, Query(description="The id of the account that sells it.")]
InStock = Annotated[bool | None, Query(description="Only what is in stock, or only what is not.")]


def expected_item(item: ChangeableItem, expected: IfMatch) -> Item:
    """Compare the item, which is locked by now, with what the client has read."""
    expected.require(ItemRead.model_validate(item))
    return item


ExpectedItem = Annotated[Item, InTransaction(expected_item)]
"""The item in the path, to be changed, in the version that `If-Match` names."""


@router.get("/")
def list_items(
    session: DbSession,
    *,
    q: Words = "",
    sort: Sort = "-created_at",
    min_price: Price = None,
    max_price: Price = None,
    in_stock: InStock = None,
    owner: Owner = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ItemRead]:
    """The catalogue, newest first unless sorted otherwise.

    `q` finds the items that have all its words in their name or description; the last word
    may be only the beginning of one, from three letters on. Signs such as `/`, `-` and `"`
    separate words and mean nothing else; a `q` of signs alone finds nothing.

    A frequent word that only items far down the order have takes longer than others.

    A `cursor` belongs to its `sort`; keep `q` and the filters while you follow one.
    """
    wanted = ItemFilter(owner_id=owner, min_price=min_price, max_price=max_price, in_stock=in_stock)
    page = queries.list_items(
        session, words=q, wanted=wanted, sort=sort, limit=limit, cursor=cursor
    )
    return Page[ItemRead].model_validate({"items": page.rows, "next_cursor": page.next_cursor})


@router.get("/{item_id}", responses=CACHEABLE)
def read_item(session: DbSession, item_id: PathId, known: IfNoneMatch) -> ItemRead:
    """One item. Its `ETag` makes the next read cheap, and a change safe."""
    return known.answer(ItemRead.model_validate(queries.get_item(session, item_id)))


@router.post("/", status_code=201, responses=tagged(201))
def create_item(
    session: DbSession, principal: CurrentPrincipal, response: Response, body: ItemCreate
) -> ItemRead:
    """Put an item into the catalogue; it belongs to the account that is signed in."""
    item = services.create_item(session, owner_id=principal.id, **body.model_dump())
    return with_etag(ItemRead.model_validate(item), response)


@router.patch("/{item_id}", responses={**tagged(200), **GUARDED})
def update_item(
    session: DbSession, item: ExpectedItem, response: Response, body: ItemUpdate
) -> ItemRead:
    """Change an item; for its owner and for staff. What is left out stays as it is.

    Send the `ETag` that you have read as `If-Match`, and nobody's change is lost.
    """
    services.update_item(session, item=item, **body.model_dump(exclude_unset=True))
    return with_etag(ItemRead.model_validate(item), response)


@router.delete("/{item_id}", status_code=204, responses=GUARDED)
def delete_item(session: DbSession, item: ExpectedItem) -> None:
    """Take an item out of the catalogue for good; for its owner and for staff."""
    services.delete_item(session, item=item)

from typing import Annotated

from fastapi import Query, Request, Response

from apps.items import queries, services
from apps.items.api.schemas import ImageSize, ItemCreate, ItemRead, ItemUpdate, Sort, version_of
from apps.items.dependencies import ChangeableItem, ChangeOfItem, DeletableItem, Files
from apps.items.lanes import FILES
from apps.items.models import Image, Item
from apps.items.queries import ItemFilter
from apps.items.rendering import render
from apps.items.settings import ItemsSettings
from apps.items.uploads import keep_image
from project.runtime import runtime_of
from project.storage import FileMissing
from project.web.caching import ASK_AGAIN, KEEP
from project.web.etags import (
    CACHEABLE,
    GUARDED,
    IfMatch,
    IfNoneMatch,
    tagged,
    with_etag,
)
from project.web.pagination import DEFAULT_LIMIT, Cursor, Limit, Page
from project.web.principal import CurrentPrincipal
from project.web.route import Router, max_body
from project.web.schemas import Id, Money, PathId, Text
from project.web.transaction import DbSession, InTransaction, InTransactions, ReplicaSession
from project.web.uploads import describe_upload, uploaded_file

router = Router(prefix="/items", tags=["items"])

Words = Annotated[Text, Query(max_length=200, description="Words to search for.")]
Price = Annotated[Money | None, Query()]
Owner = Annotated[Id | None, Query(description="The id of the account that sells it.")]
Version = Annotated[str, Query(max_length=64, description="The picture's version.")]
InStock = Annotated[bool | None, Query(description="Only what is in stock, or only what is not.")]


def expected_item(item: ChangeableItem, expected: IfMatch) -> Item:
    """Compare the item, which is locked by now, with what the client has read."""
    expected.require(ItemRead.model_validate(item))
    return item


ExpectedItem = Annotated[Item, InTransaction(expected_item)]
"""The item in the path, to be changed, in the version that `If-Match` names."""


def expected_to_go(item: DeletableItem, expected: IfMatch) -> Item:
    """The same before an item is deleted, which takes another permission."""
    return expected_item(item, expected)


ItemToDelete = Annotated[Item, InTransaction(expected_to_go)]
"""The item in the path, to be deleted, in the version that `If-Match` names."""


@router.get("/")
def list_items(
    session: ReplicaSession,
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


@router.get("/{item_id}", response_model=ItemRead, responses=CACHEABLE)
def read_item(session: ReplicaSession, item_id: PathId, known: IfNoneMatch) -> Response:
    """One item. Its `ETag` makes the next read cheap, and a change safe."""
    return known.answer(ItemRead.model_validate(queries.show_item(session, item_id)))


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
    """Change an item; for its owner, staff, and whoever holds `items.change_item`.

    What is left out stays as it is.

    Send the `ETag` that you have read as `If-Match`, and nobody's change is lost.
    """
    services.update_item(session, item=item, **body.model_dump(exclude_unset=True))
    return with_etag(ItemRead.model_validate(item), response)


@router.delete("/{item_id}", status_code=204, responses=GUARDED)
def delete_item(session: DbSession, item: ItemToDelete, files: Files) -> None:
    """Take an item out of the catalogue for good.

    For its owner, for staff, and for whoever holds `items.delete_item`.
    """
    services.delete_item(session, item=item, files=files)


@router.post(
    "/{item_id}/image",
    status_code=201,
    openapi_extra=describe_upload("file", "A JPEG, PNG or WebP picture."),
)
@max_body(lambda settings: settings.media.max_upload_size)
async def upload_image(request: Request, change: ChangeOfItem) -> ItemRead:
    """Give an item a picture, in the place of the one it has; for its owner and for staff.

    The picture is turned upright, scaled down and kept as WebP. What a camera wrote into the
    file, the place among it, is dropped, and so is the file itself. Of an animation the first
    frame is kept. The file's name and declared type do not matter.
    """
    await change.check()  # before a byte of the body is read
    runtime = runtime_of(request)
    async with uploaded_file(request, "file") as file:
        pixels = runtime.settings.media.max_image_pixels
        quality = runtime.app_settings.of(ItemsSettings).image_quality
        rendered = await runtime.lanes.cpu.run(render, file, max_pixels=pixels, quality=quality)
    return await keep_image(runtime, rendered, change.run, ItemRead.model_validate)


@router.get(
    "/{item_id}/image",
    response_class=Response,
    responses={
        **CACHEABLE,
        200: {**CACHEABLE[200], "content": {"image/webp": {}}, "description": "The picture."},
    },
)
async def read_image(
    request: Request,
    transactions: InTransactions,
    known: IfNoneMatch,
    *,
    item_id: PathId,
    size: ImageSize = "large",
    v: Version = "",
) -> Response:
    """The picture of an item, as WebP.

    The addresses in an item's `image` name a version (`v`) and can be cached for ever; other
    answers have to be asked for again, with their ETag.
    """
    runtime = runtime_of(request)

    async def answer() -> Response:
        image = await transactions.read(queries.get_image, item_id)
        headers = _headers_of(image, size, version=v)
        if known.include(headers["ETag"]):
            return Response(status_code=304, headers=headers)
        name = services.file_names(image.key)[size]
        content = await runtime.lanes[FILES].run(runtime.storage.get, name)
        return Response(content, headers=headers, media_type="image/webp")

    try:
        return await answer()
    except FileMissing:  # it was replaced at this very moment; now there is the new one
        return await answer()


def _headers_of(image: Image, size: ImageSize, *, version: str) -> dict[str, str]:
    return {
        "ETag": f'"{image.digest}-{size}"',
        "Cache-Control": KEEP if version == version_of(image) else ASK_AGAIN,
        "Content-Disposition": f'inline; filename="item-{image.item_id}-{size}.webp"',
        "X-Content-Type-Options": "nosniff",
    }


@router.delete("/{item_id}/image", status_code=204)
def delete_image(session: DbSession, item: ChangeableItem, files: Files) -> None:
    """Take the picture off an item; for its owner and for staff."""
    services.remove_image(session, item=item, files=files)

from typing import Annotated

from fastapi import Query, Request, Response

from apps.items import queries, services
from apps.items.api.schemas import ImageSize, ItemCreate, ItemRead, ItemUpdate, Sort, version_of
from apps.items.dependencies import ChangeableItem, ChangeOfItem, Files
from apps.items.lanes import FILES
from apps.items.queries import ItemFilter
from apps.items.rendering import render
from apps.items.uploads import keep_image
from project.runtime import runtime_of
from project.storage import FileMissing
from project.web.caching import ASK_AGAIN, FOR_EVER, is_known
from project.web.pagination import DEFAULT_LIMIT, Cursor, Limit, Page
from project.web.principal import CurrentPrincipal
from project.web.route import Router, max_body
from project.web.schemas import Id, Money, PathId, Text
from project.web.transaction import DbSession, InTransactions, Transactions
from project.web.uploads import describe_upload, uploaded_file

router = Router(prefix="/items", tags=["items"])

Words = Annotated[Text, Query(max_length=200, description="Words to search for.")]
Price = Annotated[Money | None, Query()]
Owner = Annotated[Id | None, Query(description="The id of the account that sells it.")]
Version = Annotated[str, Query(max_length=64, description="The picture's version.")]
InStock = Annotated[bool | None, Query(description="Only what is in stock, or only what is not.")]


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


@router.get("/{item_id}")
def read_item(session: DbSession, item_id: PathId) -> ItemRead:
    """One item."""
    return ItemRead.model_validate(queries.get_item(session, item_id))


@router.post("/", status_code=201)
def create_item(session: DbSession, principal: CurrentPrincipal, body: ItemCreate) -> ItemRead:
    """Put an item into the catalogue; it belongs to the account that is signed in."""
    item = services.create_item(session, owner_id=principal.id, **body.model_dump())
    return ItemRead.model_validate(item)


@router.patch("/{item_id}")
def update_item(session: DbSession, item: ChangeableItem, body: ItemUpdate) -> ItemRead:
    """Change an item; for its owner and for staff. What is left out stays as it is."""
    services.update_item(session, item=item, **body.model_dump(exclude_unset=True))
    return ItemRead.model_validate(item)


@router.delete("/{item_id}", status_code=204)
def delete_item(session: DbSession, item: ChangeableItem, files: Files) -> None:
    """Take an item out of the catalogue for good; for its owner and for staff."""
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
        rendered = await runtime.lanes.cpu.run(render, file, max_pixels=pixels)
    return await keep_image(runtime, rendered, change.run, ItemRead.model_validate)


@router.get(
    "/{item_id}/image",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}}, "description": "The picture."},
        304: {"description": "It is the one that `If-None-Match` names."},
    },
)
async def read_image(
    request: Request,
    transactions: InTransactions,
    item_id: PathId,
    size: ImageSize = "large",
    v: Version = "",
) -> Response:
    """The picture of an item, as WebP.

    The addresses in an item's `image` name a version (`v`) and can be cached for ever; other
    answers have to be asked for again, with their ETag.
    """
    try:
        return await _answer_with_image(request, transactions, item_id, size, v)
    except FileMissing:  # it was replaced at this very moment; now there is the new one
        return await _answer_with_image(request, transactions, item_id, size, v)


async def _answer_with_image(
    request: Request, transactions: Transactions, item_id: int, size: ImageSize, version: str
) -> Response:
    image = await transactions.run(queries.get_image, item_id)
    etag = f'"{image.digest}-{size}"'
    caching = FOR_EVER if version == version_of(image) else ASK_AGAIN
    headers = {"ETag": etag, "Cache-Control": caching}
    if is_known(request.headers, etag):
        return Response(status_code=304, headers=headers)
    runtime = runtime_of(request)
    name = services.file_names(image.key)[size]
    content = await runtime.lanes[FILES].run(runtime.storage.get, name)
    headers["Content-Disposition"] = f'inline; filename="item-{item_id}-{size}.webp"'
    headers["X-Content-Type-Options"] = "nosniff"
    return Response(content, headers=headers, media_type="image/webp")


@router.delete("/{item_id}/image", status_code=204)
def delete_image(session: DbSession, item: ChangeableItem, files: Files) -> None:
    """Take the picture off an item; for its owner and for staff."""
    services.remove_image(session, item=item, files=files)

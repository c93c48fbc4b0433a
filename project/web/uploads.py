"""Files in multipart bodies, read by the route itself once it knows that the sender may send.

FastAPI reads a body before it resolves anything else, so that a `File()` parameter of a route
takes megabytes from anybody. A route that takes `Request` decides first:

    @router.post("/{item_id}/image", openapi_extra=describe_upload("file", "A picture."))
    @max_body(lambda settings: settings.media.max_upload_size)
    async def upload_image(request: Request, …) -> ItemRead:
        …  # may the sender?
        async with uploaded_file(request, "file") as file: ...
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

MAXIMUM_FIELDS = 10
FIELD_SIZE = 16_384


@asynccontextmanager
async def uploaded_file(request: Request, field: str) -> AsyncIterator[BinaryIO]:
    """Read the body, up to the route's limit, and yield the file in this field.

    What is larger than a megabyte waits in a temporary file, which is gone afterwards and if
    the client vanishes. The client's name and type for the file are not looked at. Raises
    HTTPException 400 for a malformed body and RequestValidationError (422) without a file.
    """
    form = request.form(max_files=1, max_fields=MAXIMUM_FIELDS, max_part_size=FIELD_SIZE)
    try:
        body = await form
    except ClientDisconnect as error:
        raise HTTPException(400, "The body ended before its end.") from error
    try:
        found = body.get(field)
        if not isinstance(found, UploadFile):
            raise RequestValidationError(
                [{"type": "missing", "loc": ("body", field), "msg": "Send a file in this field"}]
            )
        yield found.file
    finally:
        await body.close()


def describe_upload(field: str, description: str) -> dict[str, Any]:
    """Describe the body for the API's documentation (a route's `openapi_extra`)."""
    file = {"type": "string", "format": "binary", "description": description}
    schema = {"type": "object", "properties": {field: file}, "required": [field]}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }

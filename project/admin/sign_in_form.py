"""Reading the forms of signing in, which strangers send."""

from starlette.datastructures import FormData
from starlette.requests import Request

MAXIMUM_FIELDS = 20


async def read_form(request: Request) -> FormData:
    """Read a form of a few fields and no files."""
    return await request.form(max_files=0, max_fields=MAXIMUM_FIELDS)


def text_in(form: FormData, name: str) -> str:
    """Return a field's text; empty, and so a wrong value, where it is none that can be stored.

    A multipart body names its own charset, and some of those write halves of surrogate pairs.
    """
    value = form.get(name)
    if not isinstance(value, str) or "\0" in value:
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:
        return ""
    return value

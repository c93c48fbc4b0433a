"""How deep JSON may be nested: counted in the bytes, before anything reads them as JSON.

Parsers and validators call themselves for each level. Nobody nests as deep as this on purpose. A
body with no more brackets than that is not looked at further (1 µs); a megabyte of rows is scanned
in a quarter of the time that reading it as JSON takes.
"""

import json
from array import array
from collections.abc import Callable, Coroutine
from itertools import accumulate
from typing import Any

from fastapi import HTTPException, Request, Response

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

MAXIMUM_DEPTH = 64

CHUNK = 4096
OTHERS = bytes(byte for byte in range(256) if byte not in b'[]{}"')
STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""A level down, a level up: a signed byte for each bracket."""


def with_shallow_json(handler: Handler) -> Handler:
    """Let a handler read JSON that is not nested too deeply; 400 for any other."""

    async def shallow_handler(request: Request) -> Response:
        return await handler(_ShallowRequest(request.scope, request.receive))

    return shallow_handler


class _ShallowRequest(Request):
    """As FastAPI documents it for what is to happen between the body and its JSON."""

    async def json(self) -> Any:
        if is_deep(await self.body()):
            # What FastAPI does not know, it would answer without a reason.
            raise HTTPException(400, f"The body is nested more than {MAXIMUM_DEPTH} levels deep.")
        return await super().json()


def is_deep(body: bytes) -> bool:
    """Whether JSON is nested too deeply; what else is wrong with it is not looked at.

    Up to the first byte that is not JSON, where a parser stops, this sees what a parser sees.
    """
    if body.count(b"[") + body.count(b"{") <= MAXIMUM_DEPTH:
        return False
    steps, level = array("b", _brackets(body).translate(STEPS)), 0
    for start in range(0, len(steps), CHUNK):
        levels = list(accumulate(steps[start : start + CHUNK], initial=level))
        if max(levels) > MAXIMUM_DEPTH:
            return True
        level = levels[-1]
    return False


def _brackets(body: bytes) -> bytes:
    """Leave only the brackets outside of strings."""
    if b"\0" in body:  # UTF-16 or UTF-32, which json.loads() reads as well
        body = body.decode(json.detect_encoding(body), "replace").encode()
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotes without a bracket between them hide nothing, whichever of them begins a string.
    signs = body.translate(None, OTHERS).replace(b'""', b"")
    return b"".join(signs.split(b'"')[::2])

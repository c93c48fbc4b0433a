"""Conditional requests: unchanged reads cost no transfer, stale writes change nothing.

A representation's ETag is a hash of it. So it changes with whatever a client can see, is the
same in every worker, survives a restored dump, and needs no column and no query. A route
gives it with every representation:

    @router.get("/{note_id}", response_model=NoteRead, responses=CACHEABLE)
    def read_note(session: DbSession, note_id: PathId, known: IfNoneMatch) -> Response:
        return known.answer(NoteRead.model_validate(queries.get_note(session, note_id)))

    @router.post("/", status_code=201, responses=tagged(201))
    def create_note(session: DbSession, response: Response, …) -> NoteRead:
        return with_etag(NoteRead.model_validate(…), response)

and compares before it writes, under the lock of the row, in the request's transaction:

    def unchanged_note(note: LockedNote, expected: IfMatch) -> Note:
        expected.require(NoteRead.model_validate(note))
        return note

Source: RFC 9110, sections 8.8.3 and 13.1.
"""

import re
from hashlib import sha256
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from project.errors import PreconditionFailed

T = TypeVar("T", bound=BaseModel)
Documented = dict[int | str, dict[str, Any]]

ANY = "*"
LENGTH = 32  # of 64 hexadecimal digits: 128 bits
NOT_MODIFIED = 304

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
# Empty elements are allowed (RFC 9110, 5.6.1). Neither part can match the other's characters,
# so that no header makes the search slow.
_LIST = re.compile(rf"[\s,]*{_TAG}(?:[ \t]*,[\s,]*{_TAG})*[\s,]*")
_ONE = re.compile(_TAG)


def etag_of(representation: BaseModel) -> str:
    """Return the strong entity tag, quotes included."""
    return _tag_of(_written(representation))


def _written(representation: BaseModel) -> bytes:
    return representation.model_dump_json(by_alias=True).encode()


def _tag_of(content: bytes) -> str:
    return f'"{sha256(content).hexdigest()[:LENGTH]}"'


def with_etag(representation: T, response: Response) -> T:
    """Send the representation's ETag with it."""
    response.headers["ETag"] = etag_of(representation)
    return representation


class KnownVersions:
    """What the client of a read has already."""

    def __init__(self, tags: frozenset[str]) -> None:
        self._tags = tags

    def answer(self, representation: BaseModel) -> Response:
        """Answer with the ETag; with a 304 and no body if the client has this version."""
        content = _written(representation)
        headers = {"ETag": _tag_of(content)}
        if self.include(headers["ETag"]):
            return Response(status_code=NOT_MODIFIED, headers=headers)
        return Response(content, headers=headers, media_type="application/json")

    def include(self, etag: str) -> bool:
        """Whether the client has this version; for what is not a schema, a file say."""
        # Compared weakly: a proxy that compresses makes a weak tag of ours.
        known = {tag.removeprefix("W/") for tag in self._tags}
        return ANY in known or etag in known


class ExpectedVersion:
    """The version that the client of a write has seen; None if it does not say."""

    def __init__(self, tags: frozenset[str] | None) -> None:
        self._tags = tags

    def require(self, representation: BaseModel) -> None:
        """Raise PreconditionFailed unless this is the version; the caller holds its lock."""
        if self._tags is None:
            return
        if not self._tags:
            raise PreconditionFailed('If-Match takes ETags in their quotes ("…"), or *.')
        # Compared strongly: a weak tag does not promise the same content.
        if ANY not in self._tags and etag_of(representation) not in self._tags:
            raise PreconditionFailed("It has changed since you read it: read it again.")


async def _known_versions(
    request: Request,
    if_none_match: Annotated[
        str | None, Header(description="ETags that the client has; 304 if one is current.")
    ] = None,
) -> KnownVersions:
    tags = frozenset[str]() if if_none_match is None else _parse(request, "if-none-match")
    return KnownVersions(tags)


async def _expected_version(
    request: Request,
    if_match: Annotated[
        str | None, Header(description="The ETag that was read; 412 if it is no longer current.")
    ] = None,
) -> ExpectedVersion:
    return ExpectedVersion(None if if_match is None else _parse(request, "if-match"))


IfNoneMatch = Annotated[KnownVersions, Depends(_known_versions)]
"""For reads."""

IfMatch = Annotated[ExpectedVersion, Depends(_expected_version)]
"""For writes. Without the header every version is the expected one."""


def _parse(request: Request, header: str) -> frozenset[str]:
    """Return the tags in all lines of the header; none at all if it is malformed."""
    value = ",".join(request.headers.getlist(header)).strip()
    if value == ANY:
        return frozenset({ANY})
    return frozenset(_ONE.findall(value) if _LIST.fullmatch(value) else ())


def tagged(status: int) -> Documented:
    """Document the ETag of an answer with this status."""
    header = {"description": "This version's entity tag.", "schema": {"type": "string"}}
    return {status: {"headers": {"ETag": header}}}


CACHEABLE: Documented = {
    **tagged(200),
    304: {**tagged(304)[304], "description": "The client has this version already."},
}
"""For a read that takes IfNoneMatch."""

GUARDED: Documented = {
    412: {"description": "It has changed since it was read (`precondition_failed`)."},
}
"""For a write that takes IfMatch."""

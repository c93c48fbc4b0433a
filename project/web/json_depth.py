"""How deep JSON may be nested: counted in the bytes, before anything reads them as JSON.

Parsers and validators call themselves for each level. Nobody nests as deep as this by hand, so
what goes deeper is refused here, at the cost of a few passes over the body.
"""

import json

from project.errors import Invalid

MAXIMUM_DEPTH = 64

NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
CLOSING = bytes.maketrans(b"{}", b"[]")


class TooDeep(Invalid):
    code = "nested_too_deeply"
    title = f"The body is nested more than {MAXIMUM_DEPTH} levels deep"


def refuse_deep_json(body: bytes) -> None:
    """Raise TooDeep for JSON that is nested too deeply; what else is wrong is not looked at."""
    if _count_openings(body) > MAXIMUM_DEPTH and _is_deep(_brackets(body)):
        raise TooDeep


def _brackets(body: bytes) -> bytes:
    """Leave only the brackets outside of strings.

    Up to the first byte that is not JSON, where a parser stops, this sees what a parser sees.
    """
    if b"\0" in body:  # UTF-16 or UTF-32, which json.loads() reads as well
        body = body.decode(json.detect_encoding(body), "replace").encode("utf-8", "replace")
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(plain.split(b'"')[::2])
    return outside.translate(CLOSING, NO_BRACKETS)


def _is_deep(brackets: bytes) -> bool:
    """Take away the innermost pairs, level by level; whatever cannot pair counts as open."""
    for _ in range(MAXIMUM_DEPTH):
        rest = brackets.replace(b"[]", b"")
        if len(rest) == len(brackets):
            break
        brackets = rest
    return _count_openings(brackets) > MAXIMUM_DEPTH


def _count_openings(body: bytes) -> int:
    return body.count(b"[") + body.count(b"{")

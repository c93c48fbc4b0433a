"""Values as JSON has them, for the history of changes."""

import json
import math
from base64 import b16encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time
from enum import Enum
from hashlib import sha256
from operator import attrgetter, methodcaller
from typing import Any

LONGEST = 10_000
"""Characters of one value that a history keeps."""


def plain(value: Any) -> Any:
    """Return a value as JSON has it; long ones are cut, and say how long they were."""
    if type(value) in PLAIN:  # most of what an import writes down
        return value
    simple = _simple(value)
    if isinstance(simple, str):
        return _cut(simple)
    if isinstance(simple, list | dict):
        written = json.dumps(simple, ensure_ascii=False)
        return simple if len(written) <= LONGEST else _cut(written)
    return simple


def is_same(one: Any, other: Any) -> bool:
    """Whether JSON holds the same: Python calls 1, 1.0 and true equal, a document does not."""
    if one != other:
        return False
    if isinstance(one, Mapping):
        return all(is_same(item, other[key]) for key, item in one.items())
    if isinstance(one, list | tuple):
        return all(map(is_same, one, other))
    return type(one) is type(other) or not isinstance(one, bool | int | float)


def _simple(value: Any) -> Any:
    if type(value) is str:
        return _clean(value)
    for kind, simplify in SIMPLER.items():
        if isinstance(value, kind):
            return simplify(value)
    return value if value is None else _clean(str(value))


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _size(value: bytes) -> str:
    return f"{len(value)} bytes, SHA-256 {b16encode(sha256(value).digest()[:8]).decode()}…"


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {_clean(str(key)): _simple(item) for key, item in value.items()}


def _sequence(value: Sequence[Any]) -> list[Any]:
    return [_simple(item) for item in value]


def _set(value: set[Any] | frozenset[Any]) -> list[Any]:
    return sorted(map(_simple, value), key=str)


def _clean(text: str) -> str:
    """Take out what `jsonb` cannot hold, though a column of type `json` may have it."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode("utf-8")


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    mark = b16encode(sha256(text.encode()).digest()[:4]).decode()
    return f"{text[:LONGEST]}… ({len(text):,} characters, SHA-256 {mark}…)"


PLAIN: frozenset[type] = frozenset({bool, int, type(None)})
"""Types that JSON has as they are."""

# Order matters: an enumeration may be of numbers.
SIMPLER: Mapping[Any, Callable[[Any], Any]] = {
    Enum: attrgetter("name"),
    (bool, int): lambda value: value,
    float: _number,
    (date, time): methodcaller("isoformat"),
    (bytes, bytearray, memoryview): _size,
    Mapping: _mapping,
    (list, tuple): _sequence,
    (set, frozenset): _set,
}

"""Searching a list: every word has to be found somewhere, in one of the columns or another."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Enum,
    String,
    and_,
    false,
    inspect,
    or_,
    select,
    tuple_,
    union_all,
)

from project.admin.lists.paths import Path, find_path
from project.admin.lists.values import WrongValue, parse_value

STARTS_WITH, EXACTLY = "^", "="
PREFIXES = STARTS_WITH + EXACTLY
"""Django's: what stands before a column's name says how it is searched."""

MOST_WORDS = 8
WORD = re.compile(r'"([^"]+)"|(\S+)')


def split_words(term: str) -> list[str]:
    """Split what was typed into words; what stands in quotes is one, and a quote alone is meant."""
    found = (
        quoted or word.strip('"') or word[: len(word) == 1] for quoted, word in WORD.findall(term)
    )
    return [word for word in found if word][:MOST_WORDS]


def search_condition(model: type, fields: Sequence[str], term: str) -> ColumnElement[bool]:
    """Return the condition that every word of the term is in one of these columns."""
    words = split_words(term)
    if not words:
        return false()
    return and_(*(_find_anywhere(model, fields, word) for word in words))


def _find_anywhere(model: type, fields: Sequence[str], word: str) -> ColumnElement[bool]:
    """Return the condition that a word is in one of the columns."""
    here: list[ColumnElement[bool]] = []
    related: list[ColumnElement[bool]] = []
    is_exact = False
    for field in fields:
        path = find_path(model, field.lstrip(PREFIXES))
        assert path is not None  # noqa: S101 - looked at when the view was declared
        found = _find(path, field[:1], word)
        is_exact = is_exact or (found is not None and not _is_text(path))
        if found is not None:
            (related if path.relations else here).append(found)
    if not (is_exact and here and related):
        return or_(false(), *here, *related)
    # A number, say: an index finds what has it, and another one the related rows. PostgreSQL
    # uses no index for one OR the other, but for each half of a union.
    keys: tuple[Any, ...] = inspect(model).primary_key
    halves = [select(*keys).where(or_(*conditions)) for conditions in (here, related)]
    return tuple_(*keys).in_(union_all(*halves))


def _find(path: Path, prefix: str, word: str) -> ColumnElement[bool] | None:
    """Return the condition that a column has a word; None if it never could."""
    if _is_text(path):
        return path.matches(lambda column: _match_text(column, prefix, word))
    try:
        value = parse_value(path.type, word)
    except WrongValue:
        return None
    return path.matches(lambda column: column == value)


def _is_text(path: Path) -> bool:
    return isinstance(path.type, String) and not isinstance(path.type, Enum)


def _match_text(column: Any, prefix: str, word: str) -> ColumnElement[bool]:
    """Compare without a cast and without lower(): so that an index can be of use."""
    if prefix not in {STARTS_WITH, EXACTLY}:
        pattern = f"%{escape_wildcards(word)}%"
        found: ColumnElement[bool] = column.ilike(pattern, escape="\\")
        return found
    spellings = sorted({word, word.lower()})  # addresses, say, are kept in lower case
    if prefix == EXACTLY:
        return or_(*(column == spelling for spelling in spellings))
    return or_(*(column.startswith(spelling, autoescape=True) for spelling in spellings))


def escape_wildcards(term: str) -> str:
    """Take the meaning off what LIKE reads as a wildcard."""
    return re.sub(r"([\\%_])", r"\\\1", term)

"""Searching a list: every word has to be found somewhere, in one of the columns or another."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Enum, String, and_, false, or_

from project.admin.lists.paths import find_path
from project.admin.lists.values import WrongValue, parse_value

STARTS_WITH, EXACTLY = "^", "="
PREFIXES = STARTS_WITH + EXACTLY
"""Django's: what stands before a column's name says how it is searched."""

MOST_WORDS = 8
WORD = re.compile(r'"([^"]+)"|(\S+)')


def split_words(term: str) -> list[str]:
    """Split what was typed into words; what stands in quotes is one."""
    found = (quoted or word.strip('"') for quoted, word in WORD.findall(term))
    return [word for word in found if word][:MOST_WORDS]


def search_condition(model: type, fields: Sequence[str], term: str) -> ColumnElement[bool]:
    """Return the condition that every word of the term is in one of these columns."""
    words = split_words(term)
    if not words:
        return false()
    return and_(*(or_(false(), *(_find(model, field, word) for field in fields)) for word in words))


def _find(model: type, field: str, word: str) -> ColumnElement[bool]:
    path = find_path(model, field.lstrip(PREFIXES))
    assert path is not None  # noqa: S101 - looked at when the view was declared
    if isinstance(path.type, String) and not isinstance(path.type, Enum):
        return path.matches(lambda column: _match_text(column, field[:1], word))
    try:
        value = parse_value(path.type, word)
    except WrongValue:
        return false()
    return path.matches(lambda column: column == value)


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

"""Values as files have them, CSV or a JSON object a line, so that an import reads them back.

A spreadsheet takes text that begins like a formula for one. Such text gets an apostrophe before
it, which an import takes away again; numbers stay as they are.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from project.admin.rows import name_reference

BEGINNINGS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What spreadsheets compute begins so; some take the full-width signs of East Asia for the same."""

FORMULA = re.compile(f"'*[{re.escape(BEGINNINGS)}]")
QUOTED_FORMULA = re.compile(f"'+[{re.escape(BEGINNINGS)}]")

CSV, JSONL = "csv", "jsonl"
FORMATS = {CSV: "text/csv; charset=utf-8", JSONL: "application/x-ndjson"}


def neutralise(text: str) -> str:
    """Take the meaning off what a spreadsheet would compute."""
    return f"'{text}" if FORMULA.match(text) else text


def denature(text: str) -> str:
    """Undo `neutralise`."""
    return text[1:] if QUOTED_FORMULA.match(text) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would compute this."""
    return text[:1] != "\n" and text[:1] in set(BEGINNINGS)


def as_json(value: Any) -> Any:
    """Return a value as JSON has it, without losing anything of it: decimals are texts."""
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    return _text(value)


def as_cell(value: Any) -> Any:
    """Return a value as a cell of a CSV file; nothing is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal) and not isinstance(value, Enum):
        return _text(value)
    if isinstance(value, list | dict):
        return neutralise(json.dumps(value, ensure_ascii=False))
    return neutralise(_text(value))


def _text(value: Any) -> str:
    for kind, write in WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    return str(value)


def _moment(value: datetime) -> str:
    return (value.astimezone(UTC) if value.tzinfo else value).isoformat()


WRITERS: Mapping[type, Callable[[Any], str]] = {
    Enum: lambda value: value.name,
    Decimal: lambda value: format(value, "f"),
    datetime: _moment,
    date: date.isoformat,
    time: time.isoformat,
    bytes: bytes.hex,
    memoryview: lambda value: bytes(value).hex(),
}


def as_reference(row: Any) -> str | None:
    """Return what names a row of another table; `find_reference` reads it back."""
    return None if row is None else name_reference(row)

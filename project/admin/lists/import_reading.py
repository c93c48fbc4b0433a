"""Reading a file of rows: CSV with a line of names first, or a JSON object a line."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from project.admin.lists.plain_files import denature, is_formula
from project.errors import Invalid
from project.i18n import gettext, mark, ngettext
from project.i18n import number as as_people_write

MOST_ROWS = 50_000
MOST_COLUMNS = 500
LONGEST_CELL = 1_000_000
FORMULA_SENTENCE = mark(
    "This begins like a formula of a spreadsheet; put an apostrophe before it if it is meant."
)


class WrongFile(Invalid):
    """The file cannot be read at all."""

    code = "wrong_file"
    title = "This file cannot be read"


@dataclass(frozen=True)
class Line:
    """A row of the file, as text by column."""

    number: int
    """The line of the file that it begins in."""

    texts: dict[str, str]
    formulas: frozenset[str] = frozenset()
    """Columns whose text a spreadsheet would compute."""

    mistake: str = ""
    """Why nothing can be read of it."""


def read_file(data: bytes) -> list[Line]:
    """Read all rows; what begins with a brace is JSON. Raises WrongFile."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise WrongFile(
            gettext("Line %(line)s is not UTF-8; save the file as UTF-8.", line=number)
        ) from None
    if "\0" in text:
        number = text[: text.index("\0")].count("\n") + 1
        raise WrongFile(
            gettext("Line %(line)s holds a character that cannot be stored (NUL).", line=number)
        )
    lines = list(_read_json(text) if text.lstrip()[:1] == "{" else _read_csv(text))
    if not lines:
        raise WrongFile(gettext("There are no rows in this file."))
    return lines


def _read_csv(text: str) -> Iterator[Line]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text))
    number = 1
    try:
        names = [name.strip() for name in next(reader, [])]
        _check_names(names)
        count, number = 0, reader.line_num + 1
        for cells in reader:
            if cells:
                _check_count(count := count + 1)
                yield _line(number, names, cells)
            number = reader.line_num + 1  # a cell in quotes goes over as many lines as it likes
    except csv.Error:
        raise WrongFile(
            gettext(
                "Line %(line)s is not CSV: look for a quotation mark too many or too few, or for "
                "a cell that is too long.",
                line=number,
            )
        ) from None


def _line(number: int, names: Sequence[str], cells: Sequence[str]) -> Line:
    if len(cells) != len(names):
        sentence = ngettext(
            "This row has %(num)s cell, the first line has %(names)s.",
            "This row has %(num)s cells, the first line has %(names)s.",
            len(cells),
            names=as_people_write(len(names)),
        )
        return Line(number, {}, mistake=sentence)
    formulas = {n for n, c in zip(names, cells, strict=True) if is_formula(c)}
    texts = {n: denature(c) for n, c in zip(names, cells, strict=True)}
    return Line(number, texts, frozenset(formulas))


def _delimiter(text: str) -> str:
    """Return what stands between the names: a comma, or what some spreadsheets write instead."""
    first = text.partition("\n")[0]
    return max((",", ";", "\t"), key=first.count)


def _check_names(names: Sequence[str]) -> None:
    if not any(names):
        raise WrongFile(gettext("The first line has to name the columns."))
    if len(names) > MOST_COLUMNS:
        raise WrongFile(gettext("There are more than %(count)s columns.", count=MOST_COLUMNS))
    twice = sorted(name for name, number in Counter(names).items() if number > 1)
    if twice:
        raise WrongFile(
            gettext(
                "Columns are there twice: %(names)s.",
                names=", ".join(name or gettext("(no name)") for name in twice),
            )
        )


def _check_count(number: int) -> None:
    if number > MOST_ROWS:
        raise WrongFile(
            gettext(
                "There are more than %(count)s rows; split the file.",
                count=as_people_write(MOST_ROWS),
            )
        )


def _read_json(text: str) -> Iterator[Line]:
    count = 0
    for number, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        _check_count(count := count + 1)
        yield _json_line(number, written)


def _json_line(number: int, written: str) -> Line:
    try:
        found = json.loads(written, parse_float=_Number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        sentence = gettext("This is no JSON object, or names a field twice.")
        return Line(number, {}, mistake=sentence)
    if not isinstance(found, dict):
        return Line(number, {}, mistake=gettext("This is no JSON object."))
    return Line(number, {name: as_text(value) for name, value in found.items()})


class _Number(float):
    """A number that also knows how it was written: a decimal column takes it to the last digit."""

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def as_text(value: Any) -> str:
    """Write a value of JSON as a cell of CSV has it."""
    if value is None:
        return ""
    if isinstance(value, _Number):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value).replace("\0", "\ufffd")

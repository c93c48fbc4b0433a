"""Rows of a file, as a view's form reads them, and what is wrong with them."""

import json
from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from wtforms import BooleanField, Field, Form, PasswordField, SelectField, StringField
from wtforms.fields import DateTimeLocalField

from project.admin.forms import CheckboxesField, ReferenceField
from project.admin.lists.import_reading import FORMULA_SENTENCE, Line, WrongFile, as_text
from project.admin.lists.plain_files import as_cell, as_json, denature
from project.admin.lists.values import WrongValue, parse_value
from project.admin.plain import is_same
from project.admin.rows import find_reference
from project.admin.typed_fields import LinesField
from project.admin.views import ModelAdmin, Values
from project.admin.writing import resolve
from project.i18n import gettext, mark
from project.web.principal import Principal

SHOWN = 50
"""Mistakes that a report names."""

NO_REFERENCE = mark("There is nothing with this id or name.")


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a row, or with one column of it."""

    line: int
    column: str
    sentence: str


@dataclass
class Report:
    """What an import does, or would do."""

    added: int = 0
    changed: int = 0
    same: int = 0
    left_out: Sequence[str] = ()
    """Columns of the file that are shown and not written."""

    columns: Sequence[str] = ()
    """Columns of the file, in its order."""

    count_wrong: int = 0
    wrong: list[Wrong] = field(default_factory=list)

    is_cut: bool = False
    """Whether there are more mistakes that nobody has counted."""

    def note(self, line: int, column: str, sentence: str) -> None:
        """Add a mistake; only the first of the file are kept, whenever they were found."""
        self.count_wrong += 1
        insort(self.wrong, Wrong(line, column, sentence), key=self._place)
        del self.wrong[SHOWN:]

    def _place(self, wrong: Wrong) -> tuple[int, int]:
        """Say where it stands in the file; what is wrong with the whole row comes first."""
        if not wrong.column:
            return wrong.line, -1
        is_there = wrong.column in self.columns
        return wrong.line, self.columns.index(wrong.column) if is_there else len(self.columns)

    def note_more(self) -> None:
        """Remember that rows were refused which nobody has looked at one by one."""
        self.is_cut = True

    @property
    def expects(self) -> str:
        """What somebody agrees to who has seen this report."""
        return f"{self.added}-{self.changed}"


@dataclass(frozen=True)
class Wanted:
    """A row as the form has read it."""

    line: int
    values: Values
    key: Any = None
    texts: Mapping[str, str] = field(default_factory=dict)

    def touches(self, name: str, value: Any, there: Any) -> bool:
        """Whether the file says something else than an export of what is there would.

        A field holds less than its column: no microseconds, one kind of empty, of line end.
        """
        if is_same(value, there):
            return False
        return self.texts.get(name) not in {denature(str(as_cell(there))), as_text(as_json(there))}


class RowReader:
    """Reads rows by the rules of a view's form. The form is the same for all of them."""

    def __init__(
        self, session: Session, view: ModelAdmin, principal: Principal, report: Report
    ) -> None:
        self._session, self._view, self._principal = session, view, principal
        self._report = report
        self._form: Form = view.form_class_for_create()
        self._key_name = view.imports_by
        left = (PasswordField, CheckboxesField)
        self.columns = [f.short_name for f in self._form if not isinstance(f, left)]
        self.is_natural = self._key_name in self.columns
        self._references: dict[tuple[str, str], tuple[Values, Any] | None] = {}

    def read(self, lines: list[Line]) -> Iterator[Wanted]:
        """Yield the rows with which nothing is wrong; take them out. Raises WrongFile."""
        names = self._names(lines)
        lines.reverse()
        while lines:
            row = self._read(lines.pop(), names)
            if row is not None:
                yield row

    def _names(self, lines: Sequence[Line]) -> list[str]:
        """Return the columns that are written. Raises WrongFile for those that nobody knows."""
        given = dict.fromkeys(name for line in lines for name in line.texts)
        key, view = self._key_name, self._view
        known = {*self.columns, key}
        shown = {*view.list_columns, *view.details_columns}
        unknown = [name for name in given if name not in known | shown]
        if unknown:
            raise WrongFile(
                gettext(
                    "There are no columns %(names)s. A file may have: %(columns)s.",
                    names=", ".join(repr(name[:60]) for name in unknown[:5]),
                    columns=", ".join([*filter(None, [key]), *self.columns]),
                )
            )
        self._report.columns = list(given)
        self._report.left_out = [name for name in given if name not in known]
        return [name for name in self.columns if name in given]

    def _read(self, line: Line, names: Sequence[str]) -> Wanted | None:
        """Read one row by the form; None if something is wrong with it."""
        before = self._report.count_wrong
        if line.mistake:
            self._report.note(line.number, "", line.mistake)
            return None
        present = [name for name in names if name in line.texts]
        sent = {name: self._text(name, line) for name in present}
        self._form.process(FormData(sent))
        is_new = not line.texts.get(self._key_name, "").strip() or self.is_natural
        self._form.validate()
        for name in self.columns:
            found = self._form[name]
            if found.errors and (is_new or name in present):
                self._report.note(line.number, name, gettext(str(found.errors[0])))
            elif name in line.formulas and _is_free_text(found):
                self._report.note(line.number, name, gettext(FORMULA_SENTENCE))
        data = self._form.data  # looked up even so: all that is wrong with a row is said at once
        values = self._resolve(line, {name: data[name] for name in present})
        key = self._key(line)
        return (
            None
            if self._report.count_wrong > before
            else Wanted(line.number, values, key, line.texts)
        )

    def _text(self, name: str, line: Line) -> str:
        """Turn what a file says into what the field's own input would send."""
        text, found = line.texts[name], self._form[name]
        if isinstance(found, DateTimeLocalField):
            return _as_input(text)
        if isinstance(found, LinesField) and text.startswith("["):
            return _as_lines(text)
        if isinstance(found, SelectField) and text in {"true", "false"}:
            return text.capitalize()
        if isinstance(found, BooleanField) and text.strip().lower() in {"no", "0", "false", "n"}:
            return ""
        return text

    def _resolve(self, line: Line, values: Values) -> Values:
        plain, keys = {}, Values()
        for name, value in values.items():
            found = self._form[name]
            if not isinstance(found, ReferenceField):
                plain[name] = value
                continue
            target = self._reference(name, (value or "").strip(), found)
            if target is None:
                self._report.note(line.number, name, gettext(NO_REFERENCE))
            else:
                keys |= target[0]
        return resolve(self._session, self._view, self._principal, self._form, plain) | keys

    def _reference(self, name: str, text: str, found: ReferenceField) -> tuple[Values, Any] | None:
        """Find the row that a text names; each is looked for once."""
        if (name, text) not in self._references:
            pairs = self._view.mapper.relationships[name].local_remote_pairs or ()
            target = None
            if text:
                target = find_reference(self._session, self._view, self._principal, found)
            keys = {
                self._view.mapper.get_property_by_column(local).key: None
                if target is None
                else getattr(target, str(remote.key))
                for local, remote in pairs
            }
            self._references[name, text] = None if text and target is None else (keys, target)
        return self._references[name, text]

    def _key(self, line: Line) -> Any:
        name = self._key_name
        text = line.texts.get(name, "").strip()
        if not text:
            return None
        try:
            return parse_value(getattr(self._view.model, name).type, text)
        except WrongValue as error:
            sentence = str(error)
            self._report.note(line.number, name, sentence[:1].upper() + sentence[1:])
            return None


def _is_free_text(found: Field) -> bool:
    return isinstance(found, StringField) and not isinstance(found, ReferenceField)


def _as_input(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None, microsecond=0).isoformat()


def _as_lines(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return "\n".join(map(str, found)) if isinstance(found, list) else text

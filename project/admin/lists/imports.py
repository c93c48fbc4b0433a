"""Rows out of a file into a table: all of them or none, by the rules of the form.

A check does the same, but for the history, and takes all of it back. Each row gets its entry in
the history, as if somebody had typed it: whoever asks later why a price is what it is finds the
answer there. One entry more tells of the import as a whole.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from wtforms import BooleanField, Field, Form, PasswordField, SelectField, StringField
from wtforms.fields import DateTimeLocalField

from project.admin.forms import CheckboxesField, ReferenceField
from project.admin.lists.import_reading import FORMULA_SENTENCE, Line, WrongFile, as_text
from project.admin.lists.plain_files import as_cell, as_json, denature
from project.admin.lists.selection import BATCH, by_key
from project.admin.lists.values import WrongValue, parse_value
from project.admin.mistakes import explain
from project.admin.recording import NOTHING, Actor, compare, entry_for, record_entries, snapshot
from project.admin.rows import find_reference
from project.admin.typed_fields import LinesField
from project.admin.views import ModelAdmin, Values
from project.admin.writing import is_default, resolve
from project.i18n import gettext, mark, noun
from project.trail import ADD, CHANGE, Entry

IMPORT = "import"
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

    count_wrong: int = 0
    wrong: list[Wrong] = field(default_factory=list)

    def note(self, line: int, column: str, sentence: str) -> None:
        """Add a mistake; only the first are kept."""
        self.count_wrong += 1
        if len(self.wrong) < SHOWN:
            self.wrong.append(Wrong(line, column, sentence))

    @property
    def expects(self) -> str:
        """What somebody agrees to who has seen this report."""
        return f"{self.added}-{self.changed}"


class Checked(Exception):
    """Carries the report out of a transaction that comes to nothing."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


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
        if value == there:
            return False
        return self.texts.get(name) not in {denature(str(as_cell(there))), as_text(as_json(there))}


class Import:
    """One file, on its way into a view's table."""

    def __init__(
        self, session: Session, view: ModelAdmin, actor: Actor, *, is_check: bool = True
    ) -> None:
        self.has_history = view.runtime.trail is not None and not is_check
        self.session, self.view, self.actor = session, view, actor
        self.report = Report()
        self.form: Form = view.form_class_for_create()
        view.authorise(session, actor.principal, "add", None, {})
        view.adapt_form(session, self.form, actor.principal, None)
        self._references: dict[tuple[str, str], tuple[Values, Any] | None] = {}

    @property
    def columns(self) -> list[str]:
        """Name what a file may hold: the form's fields, without passwords and boxes."""
        left = (PasswordField, CheckboxesField)
        return [f.short_name for f in self.form if not isinstance(f, left)]

    def run(self, lines: Sequence[Line]) -> None:
        """Write all rows, as far as nothing stands against it. Raises WrongFile."""
        names = self._names(lines)
        wanted = [row for line in lines if (row := self._read(line, names)) is not None]
        adds, changes = self._sort_out(wanted)
        for batch in _batches(adds):
            self._attempt(batch, self._add)
        for batch in _batches(changes):
            self._attempt(batch, self._change)

    # -- reading ---------------------------------------------------------------------------

    def _names(self, lines: Sequence[Line]) -> list[str]:
        """Return the columns that are written. Raises WrongFile for those that nobody knows."""
        given = dict.fromkeys(name for line in lines for name in line.texts)
        key, view = self.view.imports_by, self.view
        known = {*self.columns, key}
        shown = {*view.list_columns, *view.details_columns}
        unknown = [name for name in given if name not in known | shown]
        if unknown:
            raise WrongFile(
                f"There are no columns {', '.join(repr(name[:60]) for name in unknown[:5])}. "
                f"A file may have: {', '.join([*filter(None, [key]), *self.columns])}."
            )
        self.report.left_out = [name for name in given if name not in known]
        return [name for name in self.columns if name in given]

    def _read(self, line: Line, names: Sequence[str]) -> Wanted | None:
        """Read one row by the form; None if something is wrong with it."""
        before = self.report.count_wrong
        present = [name for name in names if name in line.texts]
        sent = {name: self._text(name, line) for name in present}
        self.form.process(FormData(sent))
        is_new = not line.texts.get(self.view.imports_by, "").strip() or self._is_natural
        self.form.validate()
        for name in self.columns:
            found = self.form[name]
            if found.errors and (is_new or name in present):
                self.report.note(line.number, name, " ".join(map(gettext, map(str, found.errors))))
            elif name in line.formulas and _is_free_text(found):
                self.report.note(line.number, name, gettext(FORMULA_SENTENCE))
        if self.report.count_wrong > before:
            return None
        data = self.form.data
        values = self._resolve(line, {name: data[name] for name in present})
        key = self._key(line)
        return (
            None
            if self.report.count_wrong > before
            else Wanted(line.number, values, key, line.texts)
        )

    @property
    def _is_natural(self) -> bool:
        return self.view.imports_by in self.columns

    def _text(self, name: str, line: Line) -> str:
        """Turn what a file says into what the field's own input would send."""
        text, found = line.texts[name], self.form[name]
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
            found = self.form[name]
            if not isinstance(found, ReferenceField):
                plain[name] = value
                continue
            target = self._reference(name, (value or "").strip(), found)
            if target is None:
                self.report.note(line.number, name, gettext(NO_REFERENCE))
            else:
                keys |= target[0]
        principal = self.actor.principal
        return resolve(self.session, self.view, principal, self.form, plain) | keys

    def _reference(self, name: str, text: str, found: ReferenceField) -> tuple[Values, Any] | None:
        """Find the row that a text names; each is looked for once."""
        if (name, text) not in self._references:
            pairs = self.view.mapper.relationships[name].local_remote_pairs or ()
            target = None
            if text:
                target = find_reference(self.session, self.view, self.actor.principal, found)
            keys = {
                self.view.mapper.get_property_by_column(local).key: None
                if target is None
                else getattr(target, str(remote.key))
                for local, remote in pairs
            }
            self._references[name, text] = None if text and target is None else (keys, target)
        return self._references[name, text]

    def _key(self, line: Line) -> Any:
        name = self.view.imports_by
        text = line.texts.get(name, "").strip()
        if not text:
            return None
        try:
            return parse_value(getattr(self.view.model, name).type, text)
        except WrongValue as error:
            self.report.note(line.number, name, str(error).capitalize())
            return None

    # -- finding ---------------------------------------------------------------------------

    def _sort_out(self, wanted: Sequence[Wanted]) -> tuple[list[Wanted], list[Wanted]]:
        """Tell new rows from those that are there, these in the order of their keys."""
        name, there = self.view.imports_by, dict[Any, Any]()
        keyed = [row for row in wanted if row.key is not None]
        for batch in _batches(keyed):
            column = getattr(self.view.model, name)
            keys = self.view.mapper.primary_key
            known: Select[Any] = self.view.rows_for(
                self.actor.principal, select(self.view.model)
            ).with_only_columns(column, *keys, maintain_column_froms=True)
            found = self.session.execute(known.where(column.in_([row.key for row in batch])))
            there |= {value: tuple(key) for value, *key in found}
        adds, changes, seen = [row for row in wanted if row.key is None], [], set[Any]()
        for row in keyed:
            if row.key in seen:
                self.report.note(row.line, name, gettext("This key is in the file twice."))
            elif row.key in there:
                changes.append(replace(row, key=there[row.key]))
            elif self._is_natural:
                adds.append(row)
            else:
                called = noun(self.view.name)
                sentence = gettext("There is no %(name)s like this.", name=called)
                self.report.note(row.line, name, sentence)
            seen.add(row.key)
        return adds, sorted(changes, key=lambda row: row.key)

    # -- writing ---------------------------------------------------------------------------

    def _attempt(self, batch: Sequence[Wanted], write: Any) -> None:
        """Write a few hundred rows; if they are refused, one by one, to tell which of them is."""
        try:
            with self.session.begin_nested():
                write(batch)
        except Exception as error:
            mistake = explain(error, self.view)
            if mistake is None:
                raise
            self.session.expunge_all()
            if len(batch) == 1:
                self.report.note(batch[0].line, mistake.field or "", mistake.sentence)
            elif self.report.count_wrong < SHOWN:
                middle = len(batch) // 2
                self._attempt(batch[:middle], write)
                self._attempt(batch[middle:], write)

    def _add(self, batch: Sequence[Wanted]) -> None:
        view, session = self.view, self.session
        given = []
        for row in batch:
            view.authorise(session, self.actor.principal, "add", None, row.values)
            items = row.values.items()
            given.append({name: v for name, v in items if not is_default(view, name, v)})
        rows = view.create_rows(session, given)
        session.flush()
        if self.has_history:
            key_of = view.mapper.primary_key_from_instance
            now = self._again([tuple(key_of(row)) for row in rows])
            entries = [
                self._entry(ADD, row, compare(session, view, NOTHING, snapshot(view, row)))
                for row in now.values()
            ]
            record_entries(session, view, entries)
        self.report.added += len(batch)

    def _change(self, batch: Sequence[Wanted]) -> None:
        view, session = self.view, self.session
        keys = [row.key for row in batch]
        locked = by_key(view, keys).with_for_update(of=view.model)
        key_of = view.mapper.primary_key_from_instance
        rows = {tuple(key_of(row)): row for row in session.scalars(locked)}
        before = {}
        for wanted in batch:
            row = rows.get(wanted.key)
            if row is None:
                raise WrongFile(gettext("A row was deleted meanwhile; check the file again."))
            touched = {
                n: v for n, v in wanted.values.items() if wanted.touches(n, v, getattr(row, n))
            }
            view.authorise(session, self.actor.principal, "change", row, touched)
            if touched:
                before[wanted.key] = snapshot(view, row)
                view.update_row(session, row, touched)
        session.flush()
        if self.has_history and before:
            now = self._again(list(before))
            entries = [
                self._entry(CHANGE, now[key], compare(session, view, old, snapshot(view, now[key])))
                for key, old in before.items()
            ]
            record_entries(session, view, entries)
        self.report.changed += len(before)
        self.report.same += len(batch) - len(before)

    def _again(self, keys: Sequence[tuple[Any, ...]]) -> Mapping[Any, Any]:
        """Read rows again: what they are now may be what a trigger or a default made of them."""
        statement = by_key(self.view, keys).execution_options(populate_existing=True)
        key_of = self.view.mapper.primary_key_from_instance
        return {tuple(key_of(row)): row for row in self.session.scalars(statement)}

    def _entry(self, action: str, row: Any, changes: dict[str, list[Any]]) -> Entry:
        return entry_for(self.view, self.actor, action, row, changes)


def run_import(
    session: Session,
    view: ModelAdmin,
    actor: Actor,
    lines: Sequence[Line],
    *,
    agreed: str | None,
) -> Report:
    """Import the rows if that is what somebody has agreed to; otherwise take all of it back.

    Raises Checked with the report if nothing is written, or WrongFile.
    """
    work = Import(session, view, actor, is_check=agreed is None)
    work.run(lines)
    report = work.report
    if agreed is None or report.count_wrong or report.expects != agreed:
        raise Checked(report)
    _record(session, view, actor, report)
    return report


def _record(session: Session, view: ModelAdmin, actor: Actor, report: Report) -> None:
    rows = f"{report.added + report.changed:,} {view.declared_plural.lower()}"
    entry = Entry(
        actor_id=actor.principal.id,
        actor_label=actor.principal.email,
        action=IMPORT,
        model=view.model_label,
        object_id="",
        object_label=rows,
        changes={"added": [None, report.added], "changed": [None, report.changed]},
        request_id=actor.request_id,
        address=actor.address,
    )
    record_entries(session, view, [entry])


def _batches(rows: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


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

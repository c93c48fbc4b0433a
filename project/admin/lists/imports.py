"""Rows out of a file into a table: all of them or none, by the rules of the form.

A check does the same, but for the history, and takes all of it back. Each row gets its entry in
the history, as if somebody had typed it: whoever asks later why a price is what it is finds the
answer there. One entry more tells of the import as a whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from project.admin.lists.import_reading import Line, WrongFile
from project.admin.lists.import_rows import SHOWN, Report, RowReader, Wanted
from project.admin.lists.selection import BATCH, by_key
from project.admin.mistakes import explain
from project.admin.recording import NOTHING, Actor, compare, entry_for, record_entries, snapshot
from project.admin.views import ModelAdmin
from project.admin.writing import is_default
from project.i18n import gettext, noun
from project.trail import ADD, CHANGE, Entry

IMPORT = "import"


class Checked(Exception):
    """Carries the report out of a transaction that comes to nothing."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


class Import:
    """One file, on its way into a view's table."""

    def __init__(
        self, session: Session, view: ModelAdmin, actor: Actor, *, is_check: bool = True
    ) -> None:
        self.has_history = view.runtime.trail is not None and not is_check
        self.session, self.view, self.actor = session, view, actor
        self.report = Report()
        view.authorise(session, actor.principal, "add", None, {})
        self.rows = RowReader(session, view, actor.principal, self.report)

    def run(self, lines: list[Line]) -> None:
        """Write all rows, as far as nothing stands against it. Raises WrongFile.

        The lines are taken out of their list: many objects that go at once hold up all threads.
        """
        adds, changes = self._sort_out(list(self.rows.read(lines)))
        for batch in _taken_out(adds):
            self._attempt(batch, self._add)
        for batch in _taken_out(changes):
            self._attempt(batch, self._change)

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
            elif self.rows.is_natural:
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
            elif self.report.count_wrong >= SHOWN:
                self.report.note_more()
            else:
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
    lines: list[Line],
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


def _taken_out(rows: list[Wanted]) -> Iterator[Sequence[Wanted]]:
    """Yield the rows a few hundred at a time, and let go of them."""
    while rows:
        yield rows[:BATCH]
        del rows[:BATCH]

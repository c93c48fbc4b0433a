"""Doing something with rows: all of them or none, locked, asked about and written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from project.admin.actions import Action
from project.admin.lists.bulk_options import DELETE as DELETE_CHOSEN
from project.admin.lists.selection import Grown, Selection, by_key, in_batches
from project.admin.objects.cascades import Cascade
from project.admin.reading import Row, describe_row
from project.admin.recording import (
    NOTHING,
    Actor,
    Snapshot,
    compare,
    entry_for,
    record_entries,
    snapshot,
)
from project.admin.rows import version_column
from project.admin.views import ModelAdmin
from project.i18n import gettext, noun, number
from project.trail import DELETE, Entry

FIRST = 20
"""Rows that a question names."""

LONGEST_NAME = 40
"""Characters of an action's name that the history keeps."""


@dataclass(frozen=True)
class Preview:
    """What a question shows: how many rows, and the first of them."""

    count: int
    first: Sequence[Row]


@dataclass(frozen=True)
class Task:
    """Somebody does something with some rows."""

    selection: Selection
    action: Action
    actor: Actor
    values: Mapping[str, Any]


@dataclass
class Outcome:
    """What an action says, of all its calls together."""

    label: str
    rows: int | None = None
    sentences: dict[str, None] = field(default_factory=dict)

    def add(self, told: int | str) -> None:
        """Take in what one call returned."""
        if isinstance(told, str):
            self.sentences[told] = None
        else:
            self.rows = (self.rows or 0) + told

    def say(self, view: ModelAdmin) -> str:
        """Return all of it as a sentence."""
        said, label = list(self.sentences), self.label.rstrip("… ")
        if self.rows is not None:
            name = view.name if self.rows == 1 else view.name_plural
            said.insert(0, f"{label}: {number(self.rows)} {noun(name)}.")
        return " ".join(said) or gettext("%(action)s: done.", action=label)


def preview(session: Session, selection: Selection) -> Preview:
    """Count the rows that are meant, and name the first. Raises NotFound or TooMany."""
    keys = selection.keys(session)
    view = selection.view
    rows = session.scalars(by_key(view, keys[:FIRST])).all()
    return Preview(len(keys), [describe_row(view, row, []) for row in rows])


def perform(session: Session, task: Task, *, shown: int | None) -> str:
    """Do it; return what to say. `shown` is how many rows somebody has agreed to.

    Raises NotFound, TooMany, Grown, or whatever the action refuses.
    """
    selection = task.selection
    keys = selection.keys(session)
    if selection.is_everything and (shown is None or len(keys) > shown):
        raise Grown
    outcome = Outcome(task.action.label)
    for batch in in_batches(keys):
        _perform(session, task, selection.lock(session, batch), outcome)
    return outcome.say(selection.view)


def _perform(
    session: Session, task: Task, locked: Sequence[tuple[Any, str]], outcome: Outcome
) -> None:
    view, action, actor = task.selection.view, task.action, task.actor
    for row, _ in locked:
        view.authorise(session, actor.principal, action.row_action, row, {})
    before = [_Before(view, row, version) for row, version in locked]
    if locked:
        rows = [row for row, _ in locked]
        if action.name == DELETE_CHOSEN:
            Cascade(session, view, actor.principal, [row.key for row in before]).refuse()
        outcome.add(action.perform(session, actor, rows, dict(task.values)))
        session.flush()  # what the database has to say is said before the commit
        if view.runtime.trail is not None:
            _record(session, task, before)


class _Before:
    """A row as it was: an action may change it, or delete it."""

    def __init__(self, view: ModelAdmin, row: Any, version: str) -> None:
        self.row, self.version = row, version
        self.key = tuple(view.mapper.primary_key_from_instance(row))
        self.values: Snapshot = snapshot(view, row)


def _record(session: Session, task: Task, before: Sequence[_Before]) -> None:
    """Write down what is different: by the rows' versions, so that secrets count as well."""
    view = task.selection.view
    again = by_key(view, [row.key for row in before]).add_columns(version_column(view))
    now = {
        tuple(view.mapper.primary_key_from_instance(row)): (row, version)
        for row, version in session.execute(again, execution_options={"populate_existing": True})
    }
    entries = (_entry(session, task, row, now.get(row.key)) for row in before)
    record_entries(session, view, [entry for entry in entries if entry is not None])


def _entry(
    session: Session, task: Task, before: _Before, now: tuple[Any, str] | None
) -> Entry | None:
    view = task.selection.view
    if now is None:
        changes = compare(session, view, before.values, NOTHING)
        return entry_for(view, task.actor, DELETE, before.row, changes)
    row, version = now
    if version == before.version:
        return None
    changes = compare(session, view, before.values, snapshot(view, row))
    return entry_for(view, task.actor, task.action.name[:LONGEST_NAME], row, changes)

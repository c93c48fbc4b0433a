"""What was done to a row, or by somebody, as the pages show it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import Date, DateTime, Numeric, func, select, tuple_
from sqlalchemy import Enum as EnumType
from sqlalchemy.orm import Session

from project.admin.actions import ATTRIBUTE
from project.admin.formats import display
from project.admin.lists.values import WrongValue, parse_value
from project.admin.objects.inline import Inline
from project.admin.rows import identifier_of, identify, select_row
from project.admin.views import ModelAdmin
from project.errors import NotFound
from project.i18n import gettext, mark
from project.trail import Entry, Recorded, Trail
from project.web.principal import Principal

PAGE = 20
RECENT = 10

VERBS = {
    "add": mark("Added"),
    "change": mark("Changed"),
    "import": mark("Import"),
    "export": mark("Export"),
    "delete": mark("Deleted"),
    "cancel": mark("Cancelled"),
}


SHOWN_TYPED = (Numeric, DateTime, Date, EnumType)
"""Columns whose values JSON has as text."""


@dataclass(frozen=True)
class Line:
    """One field of an entry: what it was, what it is, or what came and went."""

    label: str
    before: str = ""
    after: str = ""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kind: str = "value"
    """`value`, `parts` (of a list) or `secret`, which has no values."""


@dataclass(frozen=True)
class Event:
    """An entry as a page shows it."""

    id: int
    at: datetime
    verb: str
    entry: Entry
    lines: Sequence[Line]


@dataclass(frozen=True)
class History:
    """A page of what happened to one row."""

    label: str
    identifier: str
    is_there: bool
    events: Sequence[Event]
    older: int | None
    """The entry that the next page begins behind; None on the last page."""


def fetch_history(
    session: Session,
    view: ModelAdmin,
    trail: Trail,
    principal: Principal,
    identifier: str,
    *,
    before: int | None,
) -> History:
    """Read what happened to a row, which may be gone.

    Raises NotFound if it never was, or is not to be seen.
    """
    row = session.scalars(select_row(view, principal, identifier)).one_or_none()
    if row is None:
        _refuse_hidden(session, view, principal, identifier)
    else:
        identifier = identifier_of(row)  # an address may write it in other ways: a UUID's capitals
    found = trail.history_of(session, view.model_label, identifier, before=before, limit=PAGE + 1)
    if row is None and not found:
        raise NotFound
    label = found[0].entry.object_label if row is None else str(row)
    shown = found[:PAGE]
    older = shown[-1].id if len(found) > PAGE else None
    events = [describe(view, event, principal) for event in shown]
    return History(label, identifier, row is not None, events, older)


def _refuse_hidden(
    session: Session, view: ModelAdmin, principal: Principal, identifier: str
) -> None:
    """Raise NotFound for a row that is there, but not for this person; or may have been so.

    Of a row that is gone nobody can tell any more whether a rule of the view had let them see it.
    """
    if view.has_row_rule and not principal.is_superuser:
        raise NotFound
    columns = view.mapper.primary_key
    rows = select(func.count()).select_from(view.model)
    key = identify(view.model, identifier)
    if key is None or session.scalar(rows.where(tuple_(*columns).in_([key]))):
        raise NotFound


def fetch_recent(
    session: Session, trail: Trail | None, views: Iterable[ModelAdmin], principal: Principal
) -> list[tuple[ModelAdmin, Event]]:
    """Read what was done last to what somebody may see: by themselves; by all for superusers."""
    by_label = {view.model_label: view for view in views}
    if trail is None or not by_label:
        return []
    actor_id = None if principal.is_superuser else principal.id
    found = trail.recent(session, models=by_label.keys(), actor_id=actor_id, limit=RECENT)
    known = ((by_label[recorded.entry.model], recorded) for recorded in found)
    return [(view, describe(view, recorded, principal)) for view, recorded in known]


def describe(view: ModelAdmin, recorded: Recorded, principal: Principal) -> Event:
    """Write an entry for a page. A column that no page of the view shows is for superusers."""
    entry, inlines = recorded.entry, {inline.key: inline for inline in view.inline_views}
    verb = verb_of(entry.action, view)
    shown = []
    for name, values in entry.changes.items():
        if name in inlines:
            shown += _line_of_inline(inlines[name], values, principal)
        elif principal.is_superuser or name in _visible(view):
            shown.append(line_of(view.label_of(name), [_typed(view, name, v) for v in values]))
    return Event(recorded.id, recorded.at, verb, entry, shown)


def verb_of(action: str, view: ModelAdmin | None = None) -> str:
    """Say what was done: an action of a view is called as on its button."""
    told = getattr(getattr(view, action, None), ATTRIBUTE, None)
    label: str = action.replace("_", " ").capitalize() if told is None else told.label
    return gettext(VERBS.get(action, label)).rstrip("… ")


def _typed(view: ModelAdmin, name: str, value: Any) -> Any:
    """Read a value back as its column has it, so that it is shown as in lists."""
    column = view.mapper.columns.get(name)
    if column is not None and isinstance(value, str):
        labels = view.choices_of(name)
        if value in labels:
            return gettext(labels[value])
    if column is None or not isinstance(value, str) or not isinstance(column.type, SHOWN_TYPED):
        return value
    try:
        return parse_value(column.type, value)
    except WrongValue:  # the column was of another type when it was written down
        return value


def _line_of_inline(inline: Inline, values: Sequence[Any], principal: Principal) -> list[Line]:
    """Tell of the rows of an inline; without their names where a rule may hide some of them."""
    if not inline.permits(principal, "view"):
        return []
    is_told = principal.is_superuser or not inline.has_row_rule
    return [line_of(inline.name_plural, values if is_told else ())]


def _visible(view: ModelAdmin) -> frozenset[str]:
    own = {*view.list_columns, *view.details_columns, *view.form_class_for_edit()._fields}
    relations = view.mapper.relationships
    local = {
        relation.key: view.mapper.get_property_by_column(column).key
        for relation in relations
        for column in relation.local_columns
    }
    return frozenset(own | {name for name, column in local.items() if column in own})


def line_of(label: str, values: Sequence[Any]) -> Line:
    """Write what one field was and became."""
    if not values:
        return Line(label, kind="secret")
    before, after = values[0], values[-1]
    if isinstance(before, list) or isinstance(after, list):
        old, new = list(_texts(before)), list(_texts(after))
        added = tuple(text for text in new if text not in old)
        removed = tuple(text for text in old if text not in new)
        if added or removed:
            return Line(label, added=added, removed=removed, kind="parts")
    return Line(label, _text(before), _text(after))


def _texts(value: Any) -> Iterator[str]:
    yield from map(_text, value if isinstance(value, list) else ())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, date | int | float | Decimal | Enum):
        return display(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) or "{}"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "[]"
    return str(value)

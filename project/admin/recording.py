"""What the history of changes is told: who did it, and what is different now.

before = snapshot(view, row)
…                                            # whatever changes the row
session.flush()
changes = compare(session, view, before, snapshot(view, refreshed(session, view, row)))
record_change(session, view, actor, action=CHANGE, row=row, changes=changes)
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import RelationshipProperty, Session

from project.admin.plain import is_same, plain
from project.admin.rows import identifier_of, name_reference
from project.admin.views import ModelAdmin, is_secret
from project.trail import Entry
from project.web.principal import Principal

Snapshot = Mapping[str, Any]
Changes = dict[str, list[Any]]
"""By field, before and after as JSON has them; an empty list for a secret that was changed."""

NOTHING: Snapshot = {}


@dataclass(frozen=True)
class Actor:
    """Whoever does something, and where it came from."""

    principal: Principal
    request_id: str | None = None
    address: str | None = None


def record_change(
    session: Session, view: ModelAdmin, actor: Actor, *, action: str, row: Any, changes: Changes
) -> None:
    """Add what was done to a row to the history, in the transaction that does it."""
    record_entries(session, view, [entry_for(view, actor, action, row, changes)])


def record_entries(session: Session, view: ModelAdmin, entries: Sequence[Entry]) -> None:
    """Add several entries at once; nothing happens where no app keeps a history."""
    trail = view.runtime.trail
    if trail is not None and entries:
        trail.record(session, entries)


def entry_for(view: ModelAdmin, actor: Actor, action: str, row: Any, changes: Changes) -> Entry:
    """Write down what was done to a row that is still there."""
    return Entry(
        actor_id=actor.principal.id,
        actor_label=actor.principal.email,
        action=action,
        model=view.model_label,
        object_id=identifier_of(row),
        object_label=str(plain(str(row))),
        changes=changes,
        request_id=actor.request_id,
        address=actor.address,
    )


@lru_cache(maxsize=128)
def recorded_columns(view: ModelAdmin) -> Sequence[str]:
    """Name the columns that a history tells of.

    None that holds a secret, is loaded only when asked for, or is kept by the database alone.
    """
    names = []
    for prop in view.mapper.column_attrs:
        column: Any = prop.columns[0]
        is_kept = getattr(column, "onupdate", None) or getattr(column, "server_onupdate", None)
        is_kept = is_kept or getattr(column, "computed", None) or not hasattr(column, "table")
        if not (is_kept or prop.deferred or is_secret(prop.key)):
            names.append(prop.key)
    return tuple(names)


def refreshed(session: Session, view: ModelAdmin, row: Any) -> Any:
    """Read a row again: what it is now may be what a trigger or a default made of it."""
    session.refresh(row, recorded_columns(view))
    return row


def snapshot(view: ModelAdmin, row: Any) -> Snapshot:
    """Keep what a row's columns are now. Lists and dicts are copied: they may change in place."""
    values = {name: getattr(row, name) for name in recorded_columns(view)}
    return {
        name: deepcopy(value) if isinstance(value, list | dict | set) else value
        for name, value in values.items()
    }


def compare(session: Session, view: ModelAdmin, before: Snapshot, after: Snapshot) -> Changes:
    """Return what is different; the rows that foreign keys stand for are named."""
    relations = _relations(view)
    changes: Changes = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        written = [plain(old), plain(new)]
        if is_same(*written):
            continue
        relation = relations.get(name)
        if relation is None:
            changes[name] = written
        else:
            changes[relation.key] = [_name(session, relation, key) for key in (old, new)]
    return changes


@lru_cache(maxsize=128)
def _relations(view: ModelAdmin) -> Mapping[str, RelationshipProperty[Any]]:
    """Find the relation to one row that a column is the foreign key of."""
    found = {}
    for relation in view.mapper.relationships:
        pairs = relation.local_remote_pairs or ()
        if not relation.uselist and not relation.viewonly and len(pairs) == 1:
            column = pairs[0][0]
            if column.foreign_keys:
                found[view.mapper.get_property_by_column(column).key] = relation
    return found


def _name(session: Session, relation: RelationshipProperty[Any], key: Any) -> Any:
    if key is None:
        return None
    remote = (relation.local_remote_pairs or ())[0][1]
    if list(relation.mapper.primary_key) == [remote]:
        target = session.get(relation.mapper.class_, key)  # which may have been read already
        return plain(key) if target is None else plain(name_reference(target))
    target = session.scalars(select(relation.mapper.class_).where(remote == key)).first()
    return plain(key) if target is None else plain(name_reference(target))

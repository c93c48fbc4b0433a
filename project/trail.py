"""The history of changes: the seam between what changes rows and the one app that remembers it.

An app with a `trail.py` that defines `trail` keeps the entries; without one nothing is kept, and
the admin has no pages of history.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from sqlalchemy.orm import Session

ADD, CHANGE, DELETE = "add", "change", "delete"
"""Actions that the machinery itself records; apps may record others, one word each."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Who did what to which row. All of it is plain: it outlives the account and the row."""

    actor_id: int | None
    actor_label: str
    action: str
    model: str
    """`items.item`: see `Permissions.label_of`."""

    object_id: str
    object_label: str
    """How the row was called at the time."""

    changes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """By field, what it was and what it became, as JSON has it; empty for a secret: changed."""

    request_id: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Recorded:
    """An entry that was kept: when it happened, and its place in the order of all."""

    id: int
    at: datetime
    entry: Entry


@runtime_checkable
class Trail(Protocol):
    """What an app's `trail.py` offers as `trail`. Each method works in the caller's transaction."""

    def record(self, session: Session, entries: Sequence[Entry]) -> None:
        """Keep some entries, if and only if the transaction is committed."""
        ...

    def history_of(
        self, session: Session, model: str, object_id: str, *, before: int | None, limit: int
    ) -> Sequence[Recorded]:
        """Return what happened to one row, newest first, older than the entry `before`."""
        ...

    def written_with(
        self, session: Session, model: str, object_id: str, *, version: str
    ) -> Recorded | None:
        """Find the entry of the transaction that left this version of the row (its `xmin`)."""
        ...

    def recent(
        self, session: Session, *, models: Collection[str], actor_id: int | None, limit: int
    ) -> Sequence[Recorded]:
        """Return what was last done to rows of some models, by everybody or by one person."""
        ...

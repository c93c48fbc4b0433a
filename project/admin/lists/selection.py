"""The rows that something is done with: those that were ticked, or all that a list shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request

from project.admin.lists.filters import Scope
from project.admin.lists.query import ListQuery, read_query
from project.admin.lists.values import WrongValue
from project.admin.rows import identify, version_column, without_secrets
from project.admin.views import ModelAdmin
from project.errors import Conflict, Invalid, NotFound
from project.i18n import gettext, mark
from project.web.principal import Principal

MOST_ROWS = 10_000
"""Rows that are worked on at a time, in one transaction."""

BATCH = 500

UNKNOWN = mark("A part of the list's address is no filter of it, so nobody knows what was meant.")

Key = tuple[Any, ...]


class TooMany(Invalid):
    code = "too_many_rows"
    title = f"These are more than {MOST_ROWS:,} rows: narrow the list first"


class Grown(Conflict):
    """More rows match than somebody was shown."""

    code = "more_rows"
    title = "More rows match now than when this page was shown; look again"


@dataclass(frozen=True)
class Selection:
    """Some rows of a view, of those that somebody may see."""

    view: ModelAdmin
    principal: Principal
    identifiers: tuple[str, ...] = ()
    query: ListQuery | None = None
    """What the list asks for, if all of it is meant."""

    request: Request | None = None

    @property
    def is_everything(self) -> bool:
        """Whether all that the list shows is meant."""
        return self.query is not None

    @cached_property
    def _ticked(self) -> list[Key]:
        keys = [identify(self.view.model, identifier) for identifier in self.identifiers]
        if not all(keys):
            raise NotFound
        return [key for key in keys if key is not None]

    def statement(self) -> Select[Any]:
        """Select the rows, in no order. Raises NotFound for what can be nobody's identifier."""
        view = self.view
        if self.query is not None and self.request is not None:
            return self.query.narrow(view.rows_for(self.principal, view.list_query(self.request)))
        rows = view.rows_for(self.principal, select(view.model))
        return rows.where(tuple_(*view.mapper.primary_key).in_(self._ticked))

    def keys(self, session: Session) -> list[Key]:
        """Read the keys, in their order. Raises NotFound if one is missing, or TooMany."""
        columns = self.view.mapper.primary_key
        keys: Any = (
            self.statement().order_by(None).with_only_columns(*columns, maintain_column_froms=True)
        )
        found = [
            tuple(row) for row in session.execute(keys.order_by(*columns).limit(MOST_ROWS + 1))
        ]
        if len(found) > MOST_ROWS:
            raise TooMany
        if not self.is_everything and len(found) != len(set(self._ticked)):
            raise NotFound
        return found

    def lock(self, session: Session, keys: Sequence[Key]) -> list[tuple[Any, str]]:
        """Let nobody else change these rows until the commit; return them with their versions.

        A row that does not match any more, by the time it is locked, is left out.
        """
        view, columns = self.view, self.view.mapper.primary_key
        rows = view.rows_for(self.principal, select(view.model))
        locked = (
            rows.where(tuple_(*columns).in_(keys))
            .order_by(*columns)
            .options(*without_secrets(view))
            .with_for_update(of=view.model)
        )
        # The version in a statement of its own: it sees what whoever held the lock has committed.
        found = session.scalars(locked.execution_options(populate_existing=True)).all()
        if not self.is_everything and len(found) != len(keys):
            raise NotFound
        versions = self.matching(session, keys)
        key_of = view.mapper.primary_key_from_instance
        return [(row, versions[key]) for row in found if (key := tuple(key_of(row))) in versions]

    def matching(self, session: Session, keys: Sequence[Key]) -> dict[Key, str]:
        """Read the versions of those of these rows that are still meant."""
        columns = self.view.mapper.primary_key
        rows: Any = self.statement().order_by(None).where(tuple_(*columns).in_(keys))
        rows = rows.with_only_columns(
            *columns, version_column(self.view), maintain_column_froms=True
        )
        return {tuple(key): version for *key, version in session.execute(rows)}


def read_selection(
    request: Request, scope: Scope, identifiers: Sequence[str], list_query: str | None
) -> Selection:
    """Read which rows are meant; `list_query` is the list's own query if all of it is.

    It is read as the list reads its address: what the list would refuse, or leave out, is
    refused. Raises HTTPException.
    """
    if list_query is None:
        if not identifiers or len(identifiers) > max(scope.view.page_size_options):
            raise HTTPException(400, gettext("Choose some rows first."))
        return Selection(scope.view, scope.principal, tuple(dict.fromkeys(identifiers)))
    asked = Request({**request.scope, "query_string": list_query.encode()})
    try:
        query = read_query(scope, asked)
    except WrongValue as error:
        raise HTTPException(400, str(error)) from error
    if query.has_unknown:
        raise HTTPException(400, UNKNOWN)
    return Selection(scope.view, scope.principal, query=query, request=asked)


def in_batches(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """Yield the keys a few hundred at a time."""
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))


def by_key(view: ModelAdmin, keys: Sequence[Key]) -> Select[Any]:
    """Select the rows with these keys, in their order, whatever rule there is for rows."""
    columns = view.mapper.primary_key
    rows = select(view.model).where(tuple_(*columns).in_(keys))
    return rows.order_by(*columns).options(*without_secrets(view))

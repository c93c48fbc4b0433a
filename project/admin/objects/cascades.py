"""Whether somebody may delete what goes with the rows that they delete, as Django asks, too.

Only tables that the admin shows have a say: what has no view is nobody's to delete by itself.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, not_, select, tuple_
from sqlalchemy.orm import Session

from project.admin.objects.dependants import COUNTED, WITH_IT, IsDoomed, Reference, keys_to
from project.admin.rows import without_secrets
from project.admin.views import ModelAdmin
from project.errors import DomainError, Forbidden
from project.i18n import gettext, noun, number
from project.web.principal import Principal

DEEPEST = 10
"""Levels of rows that go with rows; a tree may have more, and is then deleted from below."""


class CascadeRefused(Forbidden):
    code = "cascade_refused"
    title = "This would delete other data that you may not delete"

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join((gettext("Nothing was deleted."), *sentences)))
        self.sentences = sentences


class Cascade:
    """The rows that the database deletes together with some others."""

    def __init__(
        self,
        session: Session,
        view: ModelAdmin,
        principal: Principal,
        keys: Sequence[tuple[Any, ...] | None],
    ) -> None:
        self._session, self._view, self._principal, self._keys = session, view, principal, keys

    def refuse(self) -> None:
        """Raise CascadeRefused if one of the rows is not this person's to delete."""
        sentences = self.refusals()
        if sentences:
            raise CascadeRefused(sentences)

    def refusals(self) -> list[str]:
        """Return what stands against it, as sentences."""
        level: list[tuple[Table, IsDoomed]] = [(self._view.table, self._is_chosen)]
        found: dict[str, None] = {}
        for depth in range(DEEPEST):
            references = list(self._below(level, depth))
            for reference in references:
                found |= dict.fromkeys(self._ask(reference))
            level = [(reference.table, reference.refers) for reference in references]
        if level:
            found[
                gettext(
                    "More than %(levels)s levels of rows would go; begin with the lowest.",
                    levels=DEEPEST,
                )
            ] = None
        return list(found)

    def _below(self, level: Sequence[tuple[Table, IsDoomed]], depth: int) -> Iterator[Reference]:
        for table, is_doomed in level:
            for key in keys_to(table):
                reference = Reference(key, is_doomed, depth)
                if reference.rule == WITH_IT and self._takes_rows(reference):
                    yield reference

    def _takes_rows(self, reference: Reference, *others: ColumnElement[bool]) -> bool:
        rows = reference.table.alias()
        conditions = [reference.refers(rows), *others]
        if reference.table is self._view.table:  # those that were chosen have been asked about
            conditions.append(not_(self._is_chosen(rows)))
        found = select(rows.c[reference.key.columns[0].key]).where(*conditions).limit(1)
        return self._session.execute(found).first() is not None

    def _ask(self, reference: Reference) -> list[str]:
        """Return why nobody of those who show the table lets the rows go."""
        refused: list[str] = []
        for view in self._view.views_of(reference.table):
            reason = self._reason(view, reference)
            if reason is None:
                return []
            refused.append(reason)
        return refused[:1]

    def _reason(self, view: ModelAdmin, reference: Reference) -> str | None:
        names = noun(view.name_plural)
        if not view.permits(self._principal, "delete"):
            return gettext("You may not delete the %(names)s that would go with it.", names=names)
        if view.has_row_rule and self._hides_rows(view, reference):
            return gettext(
                "Some %(names)s that would go with it are out of your reach.", names=names
            )
        if type(view).authorise is ModelAdmin.authorise:
            return None
        rows = select(view.model).where(reference.refers(view.table))
        rows = rows.options(*without_secrets(view)).order_by(*view.mapper.primary_key)
        found = self._session.scalars(rows.limit(COUNTED + 1)).all()
        if len(found) > COUNTED:
            return gettext(
                "More than %(rows)s %(names)s would go with it; delete those first.",
                rows=number(COUNTED),
                names=names,
            )
        return next(self._refused(view, found), None)

    def _hides_rows(self, view: ModelAdmin, reference: Reference) -> bool:
        columns = view.mapper.primary_key
        own = view.rows_for(self._principal, select(view.model)).order_by(None)
        within = own.with_only_columns(*columns, maintain_column_froms=True)
        rows = select(*columns).where(
            reference.refers(view.table), tuple_(*columns).not_in(within.correlate(None))
        )
        return self._session.execute(rows.limit(1)).first() is not None

    def _refused(self, view: ModelAdmin, rows: Sequence[Any]) -> Iterator[str]:
        for row in rows:
            try:
                view.authorise(self._session, self._principal, "delete", row, {})
            except DomainError as error:
                yield gettext(
                    "%(name)s %(row)s, which would go with it: %(reason)s",
                    name=view.name,
                    row=row,
                    reason=gettext(error.detail),
                )

    def _is_chosen(self, rows: FromClause) -> ColumnElement[bool]:
        names = [str(column.key) for column in self._view.mapper.primary_key]
        return tuple_(*(rows.c[name] for name in names)).in_(self._keys)

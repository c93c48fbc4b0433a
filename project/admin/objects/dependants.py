"""What goes with rows that are deleted, by the rules of the database: foreign keys, two levels."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    ForeignKeyConstraint,
    FromClause,
    Table,
    false,
    func,
    literal,
    not_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from project.admin.lists.counting import Count
from project.admin.rows import identifier_of, identify, without_secrets
from project.admin.views import ModelAdmin
from project.db.base import snake_case
from project.i18n import gettext, mark, noun
from project.web.principal import Principal

COUNTED = 1_000
"""Rows that are counted; beyond, there are "more than 1,000"."""

NAMED = 5
LEVELS = 2

WITH_IT, LOOSENED, FORBIDDEN = "cascade", "set null", "forbidden"
RULES = {"CASCADE": WITH_IT, "SET NULL": LOOSENED, "SET DEFAULT": LOOSENED}
SENTENCES = {
    WITH_IT: mark("will be deleted, too"),
    LOOSENED: mark("will lose the reference"),
    FORBIDDEN: mark("which forbids it"),
}

IsDoomed = Callable[[FromClause], ColumnElement[bool]]
"""Whether a row of a table (or an alias of it) goes."""


@dataclass(frozen=True)
class Named:
    """A row that somebody may see."""

    label: str
    identity: str
    identifier: str


@dataclass(frozen=True)
class Dependants:
    """Rows that refer to what is to be deleted, by one foreign key."""

    name: str
    column: str
    count: Count
    rule: str
    first: Sequence[Named]
    is_direct: bool
    """Whether they refer to the chosen rows themselves, and not to what goes with those."""

    @property
    def sentence(self) -> str:
        """What the database will do with them."""
        return gettext(SENTENCES[self.rule])

    @property
    def is_forbidding(self) -> bool:
        """Whether nothing can be deleted because of them."""
        return self.rule == FORBIDDEN


@dataclass(frozen=True)
class Reference:
    """A foreign key, and which of the rows that it refers to go."""

    key: ForeignKeyConstraint
    is_doomed: IsDoomed
    level: int

    @property
    def table(self) -> Table:
        return self.key.table

    @property
    def rule(self) -> str:
        return RULES.get((self.key.ondelete or "").upper(), FORBIDDEN)

    def refers(self, rows: FromClause) -> ColumnElement[bool]:
        """Whether a row refers to one that goes."""
        target = self.key.referred_table.alias()
        own = [rows.c[column.key] for column in self.key.columns]
        theirs = [target.c[element.column.key] for element in self.key.elements]
        return tuple_(*own).in_(select(*theirs).where(self.is_doomed(target)))


class Deletion:
    """Some rows that somebody wants to delete, and what the database will say to it."""

    def __init__(
        self, session: Session, view: ModelAdmin, principal: Principal, identifiers: Sequence[str]
    ) -> None:
        self._session = session
        self._view = view
        self._principal = principal
        self._keys = [identify(view.model, identifier) for identifier in identifiers]

    def dependants(
        self, views: Sequence[ModelAdmin], *, visible: Collection[ModelAdmin]
    ) -> list[Dependants]:
        """Count what refers to the rows; name the first of those in the views that are visible."""
        references = list(self._references())
        found = []
        for reference in references:
            rows = reference.table.alias()
            count = self._count(
                rows, [reference.refers(rows), *self._spared(reference, references, rows)]
            )
            if count.rows:
                shown = [view for view in visible if view.table is reference.table]
                found.append(
                    Dependants(
                        self._name_of(reference.table, views),
                        ", ".join(_called(column.key) for column in reference.key.columns),
                        count,
                        reference.rule,
                        self._first(shown[0], reference) if shown else [],
                        reference.level == 0,
                    )
                )
        return found

    def _references(self) -> Iterator[Reference]:
        """Yield the foreign keys that lead to the rows, and to those that are deleted with them."""
        level: list[tuple[Table, IsDoomed]] = [(self._view.table, self._is_chosen)]
        for depth in range(LEVELS):
            following: list[tuple[Table, IsDoomed]] = []
            for table, is_doomed in level:
                for key in keys_to(table):
                    reference = Reference(key, is_doomed, depth)
                    yield reference
                    if reference.rule == WITH_IT:
                        following.append((reference.table, reference.refers))
            level = following

    def _is_chosen(self, rows: FromClause) -> ColumnElement[bool]:
        names = [str(column.key) for column in self._view.mapper.primary_key]
        return tuple_(*(rows.c[name] for name in names)).in_(self._keys)

    def _spared(
        self, reference: Reference, references: Sequence[Reference], rows: FromClause
    ) -> Iterator[ColumnElement[bool]]:
        """Leave out rows that are gone by then: chosen themselves, or taken along a level earlier.

        NO ACTION is asked when PostgreSQL has done all of the level before; RESTRICT at once.
        """
        if reference.table is self._view.table:
            yield not_(self._is_chosen(rows))
        if reference.rule == FORBIDDEN and (reference.key.ondelete or "").upper() != "RESTRICT":
            for other in references:
                is_earlier = other.rule == WITH_IT and other.level < reference.level
                if is_earlier and other.table is reference.table:
                    yield not_(func.coalesce(other.refers(rows), false()))

    def _count(self, rows: FromClause, conditions: Sequence[ColumnElement[bool]]) -> Count:
        limited = select(literal(1)).select_from(rows).where(*conditions).limit(COUNTED + 1)
        counted = self._session.scalar(select(func.count()).select_from(limited.subquery())) or 0
        return Count(counted) if counted <= COUNTED else Count(COUNTED, "more")

    def _first(self, view: ModelAdmin, reference: Reference) -> list[Named]:
        statement = view.rows_for(self._principal, select(view.model))
        statement = statement.where(reference.refers(view.table)).options(*without_secrets(view))
        rows = self._session.scalars(statement.order_by(*view.mapper.primary_key).limit(NAMED))
        return [Named(str(row), view.identity, identifier_of(row)) for row in rows]

    def _name_of(self, table: Table, views: Sequence[ModelAdmin]) -> str:
        """Return what people call a table's rows: as its view does, or after its class."""
        for view in views:
            if view.table is table:
                return view.name_plural
        mappers = self._view.mapper.registry.mappers
        names = (snake_case(m.class_.__name__) for m in mappers if m.local_table is table)
        return f"{next(names, table.name).replace('_', ' ').capitalize()}s"


def _called(column: str) -> str:
    return noun(gettext(column.replace("_", " ").capitalize()))


def keys_to(table: Table) -> Iterator[ForeignKeyConstraint]:
    """Yield the foreign keys of all tables that lead to this one, in the tables' order."""
    for other in table.metadata.sorted_tables:
        for key in sorted(other.foreign_key_constraints, key=lambda key: str(key.name)):
            if key.referred_table is table:
                yield key

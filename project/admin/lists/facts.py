"""What a list shows besides its rows, asked in one statement: counts, choices, dates."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Select,
    String,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from project.admin.lists.counting import bounded
from project.admin.lists.filters import ListFilter
from project.admin.lists.query import ListQuery

FACET_LIMIT = 1_000
"""Rows that are counted beside a choice; more are `1,000+`."""

TOTAL, FIRST, LAST, DAYS = "#total", "#first", "#last", "#days"
"""Sources that are no filter."""

DAYS_LIMIT = 10_000


class Fact(NamedTuple):
    """A line of the answer: a value with its label, how many rows have it, or both."""

    value: str | None
    label: str | None
    number: int | None


Facts = Mapping[str, Sequence[Fact]]


def ask(session: Session, query: ListQuery, base: Select[Any], *, with_total: bool) -> Facts:
    """Ask for all of it at once. `base` is the list before it is narrowed."""
    questions = list(_questions(query, base, with_total=with_total))
    facts: dict[str, list[Fact]] = defaultdict(list)
    if questions:
        for source, *line in session.execute(union_all(*questions)):
            facts[source].append(Fact(*line))
    return facts


def _questions(query: ListQuery, base: Select[Any], *, with_total: bool) -> Iterator[Select[Any]]:
    if with_total:
        yield _question(TOTAL, number=_count(query.narrow(base)))
    for found in query.filters:
        yield from _about_filter(query, base, found.parameter_name, found)
    yield from _about_dates(query, base)


def _about_filter(
    query: ListQuery, base: Select[Any], name: str, found: ListFilter
) -> Iterator[Select[Any]]:
    others = query.narrow(base, without=found) if query.has_facets else None
    values = found.found(query.scope)
    if values is not None:
        number: Any = null()
        if others is not None:
            number = _count(others.where(found.matching(values.c.value)), FACET_LIMIT, values)
        yield _question(name, values.c.value, values.c.label, number)
    elif others is not None:
        for choice in found.choices():
            key = literal(f"{choice.parameter}={choice.value}")
            yield _question(name, key, number=_count(choice.narrow(others), FACET_LIMIT))
    for owner, choice in query.chosen:
        label = owner.chosen_label(query.scope, choice.value) if owner is found else None
        if label is not None:
            row = label.subquery()
            yield _question(f"{name}:chosen", row.c.value, row.c.label)


def _about_dates(query: ListQuery, base: Select[Any]) -> Iterator[Select[Any]]:
    """Ask for the first and the last day of the whole list, which an index knows."""
    hierarchy = query.scope.view.hierarchy
    if hierarchy is None:
        return
    column = hierarchy.path.column
    for source, end in ((FIRST, func.min(column)), (LAST, func.max(column))):
        found = base.order_by(None).with_only_columns(end, maintain_column_froms=True)
        yield _question(source, func.to_char(found.scalar_subquery(), "YYYY-MM-DD"))
    if query.has_facets and any(owner is hierarchy for owner, _ in query.chosen):
        days = (
            query.narrow(base)
            .order_by(None)
            .with_only_columns(
                func.to_char(column, "YYYY-MM-DD").label("day"), maintain_column_froms=True
            )
        )
        some = days.limit(DAYS_LIMIT + 1).subquery()
        yield _question(DAYS, some.c.day, number=func.count()).group_by(some.c.day)


def _question(source: str, value: Any = None, label: Any = None, number: Any = None) -> Select[Any]:
    columns: list[Any] = [
        literal(source, String),
        cast(null() if value is None else value, String),
        cast(null() if label is None else label, String),
        cast(null() if number is None else number, BigInteger),
    ]
    return select(*columns)


def _count(statement: Select[Any], limit: int | None = None, outer: Any = None) -> Any:
    rows: Any = bounded(statement, limit)
    if outer is not None:
        rows = rows.element.correlate(outer).subquery()
    counted = select(func.count()).select_from(rows)
    return (counted.correlate(outer) if outer is not None else counted).scalar_subquery()

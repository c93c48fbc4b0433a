"""A page of a list, read in one hop and in four statements at most."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.requests import Request

from project.admin.lists.counting import Count, Estimate, estimate_list, settle
from project.admin.lists.facts import TOTAL, Facts, ask
from project.admin.lists.loading import load_for_list
from project.admin.lists.query import ListQuery, Place
from project.admin.reading import Row, describe_row
from project.admin.views import ModelAdmin

FEW = 20_000
"""Rows that are fetched and sorted, all of them, rather than looked for along the order."""

CANCELLED = "57014"


@dataclass(frozen=True)
class ListPage:
    """A page of a list."""

    rows: Sequence[Row] = ()
    count: Count | None = None
    place: Place = field(default_factory=Place)
    has_previous: bool = False
    has_next: bool = False
    first: str | None = None
    """The cursor of the first row; None if its order has none."""

    last: str | None = None
    facts: Facts = field(default_factory=dict)
    is_complete: bool = True
    """Whether what stands beside the rows could be counted in time."""


def fetch_list(session: Session, query: ListQuery, request: Request) -> ListPage:
    """Read the page of the list that the address asks for."""
    view, principal = query.scope.view, query.scope.principal
    _set_deadline(session, view)
    everything = view.list_query(request)
    base = view.rows_for(principal, everything)
    narrowed = query.narrow(base)
    is_narrow = narrowed.whereclause is not None
    estimate = estimate_list(session, view, narrowed) if is_narrow else None
    found, has_more = _fetch_rows(session, query, narrowed, everything, estimate)
    place = _settle_place(query.place, has_more=has_more)
    is_all = place == Place() and not has_more
    if not is_all and estimate is None:
        estimate = estimate_list(session, view, narrowed)
    counts = not is_all and estimate is not None and not estimate.is_enough
    facts, is_complete = _ask(session, query, base, with_total=counts)
    cursors = [query.ordering.write_cursor(position) for _, position in found]
    is_backwards = place.is_reversed
    return ListPage(
        rows=[describe_row(view, row, view.list_columns, is_list=True) for row, _ in found],
        count=Count(len(found)) if is_all or estimate is None else _count(estimate, facts),
        place=place,
        has_previous=has_more if is_backwards else place.position is not None or place.number > 1,
        has_next=place.position is not None if is_backwards else has_more,
        first=cursors[0] if cursors else None,
        last=cursors[-1] if cursors else None,
        facts=facts,
        is_complete=is_complete,
    )


def _set_deadline(session: Session, view: ModelAdmin) -> None:
    seconds = min(view.list_timeout, view.runtime.settings.database.statement_timeout or 1e6)
    statement = f"SET LOCAL statement_timeout = {max(int(seconds * 1000), 1)}"
    session.connection().exec_driver_sql(statement)


def _fetch_rows(
    session: Session,
    query: ListQuery,
    narrowed: Select[Any],
    everything: Select[Any],
    estimate: Estimate | None,
) -> tuple[list[tuple[Any, list[Any]]], bool]:
    """Return the rows with their sort keys, in the list's order, and whether there are more."""
    ordering, place, view = query.ordering, query.place, query.scope.view
    keys = select_keys(query, narrowed, is_small=estimate is not None and estimate.rows <= FEW)
    page = keys.subquery("page")
    sorted_by = [page.c[f"key{n}"] for n in range(len(ordering.keys))]
    same = [page.c[f"pk{n}"] == column for n, column in enumerate(view.mapper.primary_key)]
    statement = everything.join(page, and_(*same)).add_columns(*sorted_by)
    clauses = ordering.clauses(sorted_by, is_reversed=place.is_reversed)
    statement = statement.options(*load_for_list(view)).order_by(None).order_by(*clauses)
    found = [(row, list(position)) for row, *position in session.execute(statement)]
    has_more, found = len(found) > query.page_size, found[: query.page_size]
    return (found[::-1] if place.is_reversed else found), has_more


def select_keys(query: ListQuery, narrowed: Select[Any], *, is_small: bool) -> Select[Any]:
    """Select the primary keys and sort keys of a page, and of one row more.

    The planner expects what matches to be spread evenly over the order, and will walk along an
    index for a handful of rows that lie at its other end. So if there are few rows, they are
    fetched by whatever index finds them, and then sorted.
    """
    ordering, place, mapper = query.ordering, query.place, query.scope.view.mapper
    joined, columns = ordering.join(narrowed)
    keys = [column.label(f"pk{n}") for n, column in enumerate(mapper.primary_key)]
    keys += [column.label(f"key{n}") for n, column in enumerate(columns)]
    rows: Any = joined.order_by(None).with_only_columns(*keys, maintain_column_froms=True)
    if is_small:
        matches = rows.cte("matches").prefix_with("MATERIALIZED")
        rows = matches.select()
        columns = [matches.c[f"key{n}"] for n in range(len(columns))]
    if place.position is not None:
        behind = ordering.behind(columns, place.position, is_reversed=place.is_reversed)
        rows = rows.where(behind)
    else:
        rows = rows.offset((place.number - 1) * query.page_size)
    clauses = ordering.clauses(columns, is_reversed=place.is_reversed)
    limited: Select[Any] = rows.order_by(*clauses).limit(query.page_size + 1)
    return limited


def _settle_place(place: Place, *, has_more: bool) -> Place:
    """Whoever goes back and finds the beginning is on the first page, whatever was counted."""
    if place.is_reversed and place.position is not None and not has_more:
        return Place(1, place.position, is_reversed=True)
    return place


def _ask(
    session: Session, query: ListQuery, base: Select[Any], *, with_total: bool
) -> tuple[Facts, bool]:
    """Ask what stands beside the rows; they are shown even if that takes too long."""
    try:
        with session.begin_nested():
            return ask(session, query, base, with_total=with_total), True
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != CANCELLED:
            raise
        return {}, False


def _count(estimate: Estimate, facts: Facts) -> Count:
    total = next((fact.number for fact in facts.get(TOTAL, ())), None)
    return settle(estimate, total)

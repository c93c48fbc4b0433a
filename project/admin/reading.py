"""What the pages show: lists and single rows, read and formatted in one hop.

The cells leave the hop as plain text, so that a template never touches the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, inspect, literal_column, select, text
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request

from project.admin.formats import display, kind_of, shorten
from project.admin.rows import (
    identifier_of,
    select_row,
    version_column,
    with_relations,
    without_secrets,
)
from project.admin.views import ModelAdmin
from project.errors import NotFound

COUNT_LIMIT = 10_000
"""Rows that are counted one by one; beyond, PostgreSQL's own estimate has to do."""

LAST_PAGE = 10_000
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Count:
    """How many rows there are: exactly, about, or at least so many."""

    rows: int
    precision: str = "exactly"

    def __str__(self) -> str:
        number = f"{self.rows:,}"
        return {"about": f"about {number}", "more": f"more than {number}"}.get(
            self.precision, number
        )


@dataclass(frozen=True)
class Cell:
    """A value on a page."""

    name: str
    text: str
    kind: str = "text"
    reference: tuple[type, str] | None = None
    """Model and identifier of the row that the value stands for."""


@dataclass(frozen=True)
class Row:
    """A row on a page."""

    identifier: str
    label: str
    cells: list[Cell]


@dataclass(frozen=True)
class ListPage:
    """A page of a list."""

    rows: list[Row]
    count: Count
    page: int
    page_size: int
    has_next: bool


@dataclass(frozen=True)
class Found:
    """One row as an object, its version, and as it is shown."""

    row: Any
    version: str
    shown: Row
    references: Mapping[str, Any] = field(default_factory=dict)


def fetch_list(session: Session, view: ModelAdmin, request: Request) -> ListPage:
    """Read the page of the list that the request's query asks for."""
    page, page_size = _paging(view, request)
    statement = view.list_query(request)
    term = request.query_params.get("search", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    if term and view.search_columns:
        statement = view.search_query(statement, term)
    names = view.list_columns
    ordered = view.sort_query(statement, request).order_by(*_tie_breakers(view, request))
    ordered = ordered.options(*without_secrets(view), *with_relations(view, names))
    found = session.scalars(ordered.limit(page_size + 1).offset((page - 1) * page_size)).all()
    has_next = len(found) > page_size
    is_all = page == 1 and not has_next
    count = Count(len(found)) if is_all else count_rows(session, view, statement)
    rows = [describe_row(view, row, names, is_list=True) for row in found[:page_size]]
    return ListPage(rows, count, page, page_size, has_next=has_next)


def select_all(view: ModelAdmin) -> Select[Any]:
    """Select every row of a view."""
    return select(view.model)


def count_rows(session: Session, view: ModelAdmin, statement: Select[Any]) -> Count:
    """Count what a list holds, up to a limit: counting a million rows takes a tenth of a second."""
    if statement.whereclause is None:
        estimate = estimate_rows(session, view.model)
        if estimate > COUNT_LIMIT:
            return Count(estimate, "about")
    rows: Select[Any] = statement.order_by(None).with_only_columns(
        literal_column("1"), maintain_column_froms=True
    )
    limited = rows.limit(COUNT_LIMIT + 1).subquery()
    counted = session.scalar(select(func.count()).select_from(limited)) or 0
    return Count(counted) if counted <= COUNT_LIMIT else Count(COUNT_LIMIT, "more")


def estimate_rows(session: Session, model: type) -> int:
    """Return how many rows PostgreSQL believes the table to have, rounded; -1 if it cannot say."""
    table: Any = inspect(model).local_table
    query = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")
    estimate: int = session.scalar(query, {"name": str(table)}) or 0
    digits = max(len(str(estimate)) - 3, 0)
    return round(estimate, -digits)


def fetch_row(session: Session, view: ModelAdmin, identifier: str, names: list[str]) -> Found:
    """Read one row, its version, and the columns that the page shows. Raises NotFound."""
    statement = select_row(view, identifier).options(*with_relations(view, names))
    found = session.execute(statement.add_columns(version_column(view))).one_or_none()
    if found is None:
        raise NotFound
    row, version = found
    relations = [name for name in names if name in view.mapper.relationships]
    references = {name: getattr(row, name) for name in relations}
    return Found(row, version, describe_row(view, row, names), references)


def fetch_labels(session: Session, view: ModelAdmin, identifiers: Sequence[str]) -> list[Row]:
    """Read how some rows are called. Raises NotFound if one of them is missing."""
    return [fetch_row(session, view, identifier, []).shown for identifier in identifiers]


def describe_row(view: ModelAdmin, row: Any, names: list[str], *, is_list: bool = False) -> Row:
    """Format a row's columns."""
    cells = [_describe(view, row, name, is_list=is_list) for name in names]
    return Row(identifier_of(row), str(row), cells)


def _describe(view: ModelAdmin, row: Any, name: str, *, is_list: bool) -> Cell:
    value: Any = row
    for part in name.split("."):
        value = None if value is None else getattr(value, part)
    formatter = view.formatter_of(name, is_list=is_list)
    if formatter is not None:
        return Cell(name, display(formatter(row, name)))
    shown = display(value)
    reference = None
    if name in view.mapper.relationships and value is not None:
        reference = (type(value), identifier_of(value))
    kind = "id" if view.mapper.has_property(name) and _is_key(view, name) else kind_of(value)
    return Cell(name, shorten(shown) if is_list else shown, kind, reference)


def _is_key(view: ModelAdmin, name: str) -> bool:
    return name in {column.key for column in view.mapper.primary_key}


def _paging(view: ModelAdmin, request: Request) -> tuple[int, int]:
    page = _number(request.query_params.get("page"), default=1)
    page_size = _number(request.query_params.get("pageSize"), default=view.page_size)
    return min(max(page, 1), LAST_PAGE), min(max(page_size, 1), max(view.page_size_options))


def _number(value: str | None, *, default: int) -> int:
    if not value:
        return default
    try:
        return int(value[:9])
    except ValueError:
        raise HTTPException(400, "A page has a number.") from None


def _tie_breakers(view: ModelAdmin, request: Request) -> list[Any]:
    """Make the order total, so that no row is on two pages and none is on none."""
    is_descending = request.query_params.get("sort") == "desc"
    if not request.query_params.get("sortBy") and view.default_sort:
        is_descending = view.default_sort[-1][1]
    columns = view.mapper.primary_key
    return [column.desc() if is_descending else column.asc() for column in columns]

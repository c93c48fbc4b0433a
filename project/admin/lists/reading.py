"""A page of a list, read in one hop."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request

from project.admin.lists.counting import Count, count_rows
from project.admin.reading import Row, describe_row
from project.admin.rows import with_relations, without_secrets
from project.admin.views import ModelAdmin
from project.web.principal import Principal

LAST_PAGE = 10_000
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class ListPage:
    """A page of a list."""

    rows: list[Row]
    count: Count
    page: int
    page_size: int
    has_next: bool


def fetch_list(
    session: Session, view: ModelAdmin, principal: Principal, request: Request
) -> ListPage:
    """Read the page of the list that the request's query asks for."""
    page, page_size = _paging(view, request)
    statement = view.rows_for(principal, view.list_query(request))
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

"""What the address of a list asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select
from starlette.datastructures import QueryParams
from starlette.requests import Request

from project.admin.lists.filters import Choice, ListFilter, Scope
from project.admin.lists.options import RESERVED, ListOptions, bare_name
from project.admin.lists.ordering import Ordering, read_sort
from project.admin.lists.paths import find_path
from project.admin.lists.search import search_condition
from project.admin.lists.values import WrongValue
from project.admin.views import ModelAdmin
from project.i18n import gettext

LONGEST_SEARCH = 200
DEEPEST_OFFSET = 100_000
"""Rows that are counted off; whoever wants to go deeper follows the cursors."""

LAST = "last"


class Chosen(NamedTuple):
    """A filter and what was chosen of it."""

    filter: ListFilter
    choice: Choice


@dataclass(frozen=True)
class Place:
    """Which page: behind a row, before a row, at the end, or by its number."""

    number: int = 1
    position: Sequence[Any] | None = None
    is_reversed: bool = False
    is_numbered: bool = True
    """Whether the number is known; counted from the end it is not."""


@dataclass(frozen=True)
class ListQuery:
    """An address, read and found to be right."""

    scope: Scope
    term: str
    chosen: tuple[Chosen, ...]
    ordering: Ordering
    sort: tuple[tuple[str, bool], ...]
    place: Place
    page_size: int
    has_facets: bool
    has_unknown: bool
    """Whether the address says something that this list does not know."""

    @property
    def filters(self) -> list[ListFilter]:
        """The filters that somebody may use."""
        return [found for found in self.scope.view.filters if found.is_offered(self.scope)]

    def narrow(self, statement: Select[Any], *, without: ListFilter | None = None) -> Select[Any]:
        """Narrow a list to what is searched and chosen, perhaps leaving one filter out."""
        if self.term:
            statement = self._search(statement)
        for found, choice in self.chosen:
            if found is not without:
                statement = choice.narrow(statement)
        return statement

    def _search(self, statement: Select[Any]) -> Select[Any]:
        """Search as the view does; without one of its own, in what somebody may see."""
        view = self.scope.view
        if type(view).search_query is not ListOptions.search_query:
            return view.search_query(statement, self.term)
        fields = [f for f in view._search_fields if may_follow(self.scope, bare_name(f))]  # noqa: SLF001 - SQLAdmin's, pinned
        return statement.where(search_condition(view.model, fields, self.term))


def may_follow(scope: Scope, name: str) -> bool:
    """Whether somebody may see the rows that lie on the way to a column."""
    path = find_path(scope.view.model, name)
    relations = () if path is None else path.relations
    return all(scope.may_see(relation.property.mapper.class_) for relation in relations)


def read_query(scope: Scope, request: Request) -> ListQuery:
    """Read an address. Raises WrongValue with a sentence for what cannot be meant."""
    params, view = request.query_params, scope.view
    owners = {name: found for found in view.all_filters for name in found.parameters()}
    chosen = [
        Chosen(owners[name], _choose(scope, owners[name], name, params[name]))
        for name in dict.fromkeys(params)
        if name in owners and params[name]
    ]
    sort, page_size = _sort(scope, params), _page_size(view, params)
    ordering = view.order_of(sort)
    term = params.get("search", "").replace("\0", "").strip()[:LONGEST_SEARCH]
    return ListQuery(
        scope=scope,
        term=term if view.search_columns else "",
        chosen=tuple(chosen),
        ordering=ordering,
        sort=tuple(sort),
        place=_place(ordering, params, page_size),
        page_size=page_size,
        has_facets=_has_facets(view, params),
        has_unknown=bool(params.keys() - owners.keys() - RESERVED),
    )


def _choose(scope: Scope, found: ListFilter, name: str, value: str) -> Choice:
    if not found.is_offered(scope):
        raise WrongValue(
            gettext(
                "%(title)s: you are not allowed to see what this filters by.",
                title=gettext(found.title),
            )
        )
    try:
        return found.read(scope, name, value)
    except WrongValue as error:
        raise WrongValue(f"{gettext(found.title)}: {error}") from error


def _sort(scope: Scope, params: QueryParams) -> list[tuple[str, bool]]:
    sort = read_sort(params.get("sortBy", ""), is_descending=params.get("sort") == "desc")
    known = [name for name in scope.view.sort_columns if may_follow(scope, name)]
    if any(name not in known for name, _ in sort):
        raise WrongValue(gettext("This list cannot be sorted by that."))
    return sort


def _place(ordering: Ordering, params: QueryParams, page_size: int) -> Place:
    if params.get("page") == LAST:
        return Place(is_reversed=True, is_numbered=False)
    number = max(_number(params.get("page"), default=1), 1)
    is_numbered = "page" in params
    for name in ("after", "before"):
        if params.get(name):
            position = ordering.read_cursor(params[name])
            return Place(number, position, name == "before", is_numbered=is_numbered)
    return Place(min(number, 1 + DEEPEST_OFFSET // page_size))


def _page_size(view: ModelAdmin, params: QueryParams) -> int:
    page_size = _number(params.get("pageSize"), default=view.page_size)
    return min(max(page_size, 1), max(view.page_size_options))


def _has_facets(view: ModelAdmin, params: QueryParams) -> bool:
    if view.show_facets == "on request":
        return "_facets" in params
    return view.show_facets == "always"


def _number(value: str | None, *, default: int) -> int:
    if not value:
        return default
    try:
        return int(value[:9])
    except ValueError:
        raise WrongValue(gettext("A page has a number.")) from None

"""The list of a view's rows, and what is done from it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from sqladmin.authentication import login_required
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from project.admin.lists.columns import describe_columns
from project.admin.lists.editing import Editor, fetch_editable
from project.admin.lists.field_filters import ReferenceFilter, read_key
from project.admin.lists.filters import Scope
from project.admin.lists.pager import build_pager
from project.admin.lists.panel import build_chips, build_dates, build_panels
from project.admin.lists.query import ListQuery, read_query
from project.admin.lists.reading import CANCELLED, ListPage
from project.admin.lists.values import WrongValue
from project.admin.pages import (
    NOT_PERMITTED,
    AdminPages,
    may,
    principal_of,
    with_query,
)
from project.admin.rows import suggest_rows
from project.admin.views import ModelAdmin
from project.errors import NotFound
from project.i18n import gettext, mark

LONGEST_TERM = 100

TOO_SLOW = mark(
    "This takes the database too long. Add a filter, search for the beginning of a word, "
    "or sort by something else."
)
INCOMPLETE = mark("Counting took the database too long, so some counts and choices are missing.")
UNKNOWN = mark("A part of this page's address is no filter of this list and was left out.")


class ListPages(AdminPages):
    """Lists."""

    def list_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        return [
            Route("/{identity}/list", self.list, name="list"),
            Route("/{identity}/filter/lookup", self.filter_lookup, name="filter_lookup"),
        ]

    @login_required
    async def list(self, request: Request) -> Response:
        """Show a page of rows."""
        view = self.view_of(request, "view")
        tidied = _tidy(request, view)
        if tidied is not None:
            return RedirectResponse(tidied, 302)
        try:
            query = self.query_of(request)
        except WrongValue as error:
            return await self._list_page(request, view, None, ListPage(), problem=str(error))
        try:
            page, editors = await self.work.run(
                fetch_editable, query, request, may_change=may(request, view, "change")
            )
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != CANCELLED:
                raise
            return await self._list_page(request, view, query, ListPage(), problem=TOO_SLOW)
        return await self._list_page(request, view, query, page, editors=editors)

    def query_of(self, request: Request) -> ListQuery:
        """Read what the address of a list asks for. Raises WrongValue."""
        view = self.view_of(request, "view")
        scope = Scope(view, principal_of(request), partial(self.may_see, request))
        return read_query(scope, request)

    @login_required
    async def filter_lookup(self, request: Request) -> Response:
        """Suggest rows for a filter by a relation, to whoever may see them."""
        view = self.view_of(request, "view")
        name = request.query_params.get("name", "")
        term = request.query_params.get("term", "").replace("\0", "")[:LONGEST_TERM]
        found = next((f for f in view.filters if f.parameter_name == name), None)
        if not isinstance(found, ReferenceFilter):
            raise NotFound
        if not self.may_see(request, found.target):
            raise HTTPException(403, NOT_PERMITTED)
        offered = view.references_for(principal_of(request), found.target)
        columns = view.labels_of(found.target)
        suggested = await self.work.run(suggest_rows, offered, columns, term)
        return JSONResponse({"results": suggested})

    async def _list_page(
        self,
        request: Request,
        view: ModelAdmin,
        query: ListQuery | None,
        page: ListPage,
        *,
        problem: str = "",
        editors: Mapping[str, Editor] | None = None,
        gone: Sequence[Editor] = (),
        refusal: tuple[int, str] | None = None,
    ) -> Response:
        address = partial(with_query, request)
        query_string = _way_back(request)
        context: dict[str, Any] = {
            "page": page,
            "query": query,
            "problem": problem,
            "remarks": _remarks(query, page),
            "editors": editors or {},
            "gone": gone,
            "refusal": refusal,
            "back_query": query_string,
            "back": f"?{urlencode({'back': query_string})}" if query_string else "",
            "has_actions": bool(view.actions_for(principal_of(request))) or view.can_export,
        }
        if query is not None:
            context |= {
                "panels": build_panels(query, page.facts, address),
                "chips": build_chips(query, page.facts, address),
                "dates": build_dates(query, page.facts, address),
                "columns": describe_columns(query, address),
                "pager": build_pager(query, page, address),
            }
        status = 200 if not problem else 400 if query is None else 422
        if refusal is not None:
            status = refusal[0]
        return await self.page(request, view.list_template, status, model_view=view, **context)


def _tidy(request: Request, view: ModelAdmin) -> str | None:
    """Return a shorter address for what a form has sent: without empty parts, rows by their key."""
    sent = request.query_params.multi_items()
    references = {f.parameter_name: f for f in view.filters if isinstance(f, ReferenceFilter)}
    tidied = []
    for name, value in sent:
        found = references.get(name)
        key = read_key(found.path, value) if found is not None and "#" in value else None
        tidied.append((name, value if key is None else str(key)))
    tidied = [(name, value) for name, value in tidied if value]
    return None if tidied == sent else f"{request.url.path}?{urlencode(tidied)}"


def _way_back(request: Request) -> str:
    """Return the query by which pages that are opened from here find the way back."""
    return urlencode([item for item in request.query_params.multi_items() if item[0] != "note"])


def _remarks(query: ListQuery | None, page: ListPage) -> list[str]:
    """Return what has to be said about the page, in our words alone."""
    remarks = [gettext(UNKNOWN)] if query is not None and query.has_unknown else []
    return remarks if page.is_complete else [*remarks, gettext(INCOMPLETE)]

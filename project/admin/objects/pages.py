"""One row: looking at it, looking for those that it refers to, deleting it."""

from collections.abc import Sequence

from sqladmin.authentication import login_required
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from project.admin import writing
from project.admin.mistakes import Mistake
from project.admin.objects.cascades import Cascade
from project.admin.objects.children import Children, open_children
from project.admin.objects.dependants import Deletion, Dependants
from project.admin.objects.form_pages import FormPages
from project.admin.objects.own_pages import OwnPages
from project.admin.pages import (
    NOT_OFFERED,
    NOT_PERMITTED,
    actor_of,
    may,
    mistake_of,
    principal_of,
    read_fields,
    to_list,
)
from project.admin.reading import Found, Row, fetch_labels, fetch_row
from project.admin.rows import identify, suggest_references
from project.admin.views import ModelAdmin
from project.errors import NotFound
from project.i18n import gettext
from project.web.principal import Principal

LONGEST_TERM = 100


class ObjectPages(FormPages, OwnPages):
    """Rows, one by one."""

    def object_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        both = ["GET", "POST"]
        return [
            *self.form_routes(),
            Route("/{identity}/details/{pk:path}", self.details, name="details"),
            Route("/{identity}/delete", self.delete, name="delete", methods=both),
            Route("/{identity}/ajax/lookup", self.ajax_lookup, name="ajax_lookup"),
        ]

    @login_required
    async def details(self, request: Request) -> Response:
        """Show one row."""
        view = self.view_of(request, "view")
        if not view.can_view_details:
            raise HTTPException(403, NOT_OFFERED)
        found, children = await self.work.run(
            _fetch_details, view, principal_of(request), request.path_params["pk"]
        )
        return await self.page(
            request, view.details_template, model_view=view, row=found.shown, inlines=children
        )

    @login_required
    async def ajax_lookup(self, request: Request) -> Response:
        """Suggest rows for a field that names one, to whoever may fill it in and see them."""
        view = self.view_of(request, "add", "change")
        name = request.query_params.get("name", "")
        term = request.query_params.get("term", "").replace("\0", "")[:LONGEST_TERM]
        prefix, _, field = name.rpartition(".")
        if prefix:  # a field of an inline
            view, name = _inline_of(view, principal_of(request), prefix), field
        loader = view.lookups.get(name)
        if loader is not None and not self.may_see(request, loader.model):
            raise HTTPException(403, NOT_PERMITTED)
        found = await self.work.run(suggest_references, view, principal_of(request), name, term)
        return JSONResponse({"results": found})

    @login_required
    async def delete(self, request: Request) -> Response:
        """Ask whether some rows may go, or delete them: all or none."""
        view = self.view_of(request, "delete")
        if request.method != "POST":
            return await self._confirm_page(request, view, _chosen(request.query_params, view))
        chosen = _chosen(await read_fields(request), view)
        try:
            await self.work.run(writing.delete, view, actor_of(request), chosen)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            mistake = mistake_of(error, view)
            return await self._confirm_page(request, view, chosen, mistake)
        return to_list(request, view, note="deleted")

    async def _confirm_page(
        self,
        request: Request,
        view: ModelAdmin,
        chosen: Sequence[str],
        mistake: Mistake | None = None,
    ) -> Response:
        views = list(self.model_views())
        visible = [known for known in views if may(request, known, "view")]
        rows, dependants, refusals = await self.work.run(
            _fetch_doomed, view, principal_of(request), chosen, views, visible=visible
        )
        status = 200 if mistake is None else mistake.status
        return await self.page(
            request,
            "sqladmin/delete.html",
            status,
            model_view=view,
            rows=rows,
            dependants=dependants,
            refusals=refusals,
            is_forbidden=bool(refusals) or any(found.is_forbidding for found in dependants),
            mistake=mistake,
        )


def _fetch_details(
    session: Session, view: ModelAdmin, principal: Principal, identifier: str
) -> tuple[Found, list[Children]]:
    found = fetch_row(session, view, principal, identifier, view.details_columns)
    return found, [
        children
        for inline in view.inline_views
        if (children := open_children(session, inline, principal, found.row, None)) is not None
    ]


def _inline_of(view: ModelAdmin, principal: Principal, key: str) -> ModelAdmin:
    """Return the inline whose rows somebody may add or change."""
    inline = next((inline for inline in view.inline_views if inline.key == key), None)
    if inline is None:
        raise NotFound
    if not any(inline.permits(principal, action) for action in ("add", "change")):
        raise HTTPException(403, NOT_PERMITTED)
    return inline


def _fetch_doomed(
    session: Session,
    view: ModelAdmin,
    principal: Principal,
    chosen: Sequence[str],
    views: Sequence[ModelAdmin],
    *,
    visible: Sequence[ModelAdmin],
) -> tuple[list[Row], list[Dependants], list[str]]:
    rows = fetch_labels(session, view, principal, chosen)
    deletion = Deletion(session, view, principal, chosen)
    keys = [identify(view.model, identifier) for identifier in chosen]
    refusals = Cascade(session, view, principal, keys).refusals()
    return rows, deletion.dependants(views, visible=visible), refusals


def _chosen(sent: QueryParams | FormData, view: ModelAdmin) -> list[str]:
    """Return the rows that were ticked, or named as `pks=1,2`."""
    values = (value for value in sent.getlist("pks") if isinstance(value, str))
    chosen = [pk for value in values for pk in value.split(",") if pk]
    if not chosen or len(chosen) > max(view.page_size_options):
        raise HTTPException(400, gettext("Choose some rows first."))
    return list(dict.fromkeys(chosen))

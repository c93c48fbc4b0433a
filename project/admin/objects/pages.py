"""One row: looking at it, adding, changing and deleting it."""

from collections.abc import Sequence
from typing import Any

from sqladmin.authentication import login_required
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from wtforms import Form

from project.admin import writing
from project.admin.conflicts import OPENED, ChangedMeanwhile, remember, remembered
from project.admin.mistakes import Mistake
from project.admin.objects.dependants import Deletion, Dependants
from project.admin.pages import (
    NOT_OFFERED,
    NOT_PERMITTED,
    AdminPages,
    actor_of,
    may,
    mistake_of,
    principal_of,
    read_fields,
    read_sent,
    redirect_to,
    to_list,
)
from project.admin.reading import Found, Row, fetch_labels, fetch_row
from project.admin.rows import suggest_references
from project.admin.views import ModelAdmin
from project.web.principal import Principal

LONGEST_TERM = 100


class ObjectPages(AdminPages):
    """Rows, one by one."""

    def object_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        both = ["GET", "POST"]
        return [
            Route("/{identity}/details/{pk:path}", self.details, name="details"),
            Route("/{identity}/create", self.create, name="create", methods=both),
            Route("/{identity}/edit/{pk:path}", self.edit, name="edit", methods=both),
            Route("/{identity}/delete", self.delete, name="delete", methods=both),
            Route("/{identity}/ajax/lookup", self.ajax_lookup, name="ajax_lookup"),
        ]

    @login_required
    async def details(self, request: Request) -> Response:
        """Show one row."""
        view = self.view_of(request, "view")
        if not view.can_view_details:
            raise HTTPException(403, NOT_OFFERED)
        names = view.details_columns
        found = await self.work.run(
            fetch_row, view, principal_of(request), request.path_params["pk"], names
        )
        return await self.page(request, view.details_template, model_view=view, row=found.shown)

    @login_required
    async def ajax_lookup(self, request: Request) -> Response:
        """Suggest rows for a field that names one, to whoever may fill it in and see them."""
        view = self.view_of(request, "add", "change")
        name = request.query_params.get("name", "")
        term = request.query_params.get("term", "").replace("\0", "")[:LONGEST_TERM]
        loader = view.lookups.get(name)
        if loader is not None and not self.may_see(request, loader.model):
            raise HTTPException(403, NOT_PERMITTED)
        found = await self.work.run(suggest_references, view, principal_of(request), name, term)
        return JSONResponse({"results": found})

    @login_required
    async def create(self, request: Request) -> Response:
        """Show an empty form, or make a row of what it says."""
        view, actor = self.view_of(request, "add"), actor_of(request)
        sent = await read_sent(request)
        form = await self.work.run(writing.open_empty, view, actor.principal, sent)
        if sent is None:
            return await self._form_page(request, view, form)
        if not form.validate():
            return await self._form_page(request, view, form, status=400)
        values = dict(form.data)
        try:
            await view.prepare_values(self.runtime, values)
            identifier = await self.work.run(writing.create, view, actor, form, values)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return await self._mistake_page(request, view, form, error)
        return _after_saving(request, view, sent, identifier, note="added")

    @login_required
    async def edit(self, request: Request) -> Response:
        """Show a row in a form, or change it."""
        view, principal = self.view_of(request, "change"), principal_of(request)
        sent, identifier = await read_sent(request), request.path_params["pk"]
        found, form = await self.work.run(writing.open_row, view, principal, identifier, sent)
        if sent is None:
            return await self._form_page(
                request, view, form, found=found, version=found.version, opened=remember(form)
            )
        return await self._save(request, view, found, form, sent)

    async def _save(
        self, request: Request, view: ModelAdmin, found: Found, form: Form, sent: FormData
    ) -> Response:
        version = str(sent.get("_version", "")) or found.version
        # Shown again with every answer but the last: what somebody has seen, and of which version.
        known: dict[str, Any] = {
            "found": found,
            "version": version,
            "opened": str(sent.get(OPENED, "")),
        }
        if not form.validate():
            return await self._form_page(request, view, form, status=400, **known)
        values = dict(form.data)
        try:
            await view.prepare_values(self.runtime, values)
            await self.work.run(
                writing.update,
                view,
                found.shown.identifier,
                form,
                values,
                actor=actor_of(request),
                version=version,
                opened=remembered(sent),
            )
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return await self._mistake_page(request, view, form, error, **known)
        identifier = found.shown.identifier
        return _after_saving(request, view, sent, identifier, note="saved")

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

    async def _form_page(
        self,
        request: Request,
        view: ModelAdmin,
        form: Form,
        *,
        found: Found | None = None,
        status: int = 200,
        **context: Any,
    ) -> Response:
        template = view.create_template if found is None else view.edit_template
        row = None if found is None else found.shown
        return await self.page(
            request, template, status, model_view=view, form=form, row=row, **context
        )

    async def _mistake_page(
        self, request: Request, view: ModelAdmin, form: Form, error: Exception, **context: Any
    ) -> Response:
        """Show the form again, as it was sent, with a sentence on what is wrong."""
        mistake = mistake_of(error, view)
        if isinstance(error, ChangedMeanwhile):
            # Saving once more is then a decision, made with both values in view.
            context |= {"version": error.version, "opened": error.opened, "conflict": error}
            context["written"] = remember(form)
        if mistake.field in form._fields:
            field = form._fields[mistake.field]
            field.errors = [*field.errors, mistake.sentence]
            mistake = mistake._replace(sentence="")
        return await self._form_page(
            request, view, form, status=mistake.status, mistake=mistake, **context
        )

    async def _confirm_page(
        self,
        request: Request,
        view: ModelAdmin,
        chosen: Sequence[str],
        mistake: Mistake | None = None,
    ) -> Response:
        views = list(self.model_views())
        visible = [known for known in views if may(request, known, "view")]
        rows, dependants = await self.work.run(
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
            is_forbidden=any(found.is_forbidding for found in dependants),
            mistake=mistake,
        )


def _fetch_doomed(
    session: Session,
    view: ModelAdmin,
    principal: Principal,
    chosen: Sequence[str],
    views: Sequence[ModelAdmin],
    *,
    visible: Sequence[ModelAdmin],
) -> tuple[list[Row], list[Dependants]]:
    rows = fetch_labels(session, view, principal, chosen)
    return rows, Deletion(session, view, principal, chosen).dependants(views, visible=visible)


def _after_saving(
    request: Request, view: ModelAdmin, sent: FormData, identifier: str, *, note: str
) -> Response:
    """Go where the button that was pressed says; the words are SQLAdmin's."""
    match sent.get("save"):
        case "Save and continue editing" if may(request, view, "change"):
            return redirect_to(request, "edit", view, note=note, pk=identifier)
        case "Save and add another" if may(request, view, "add"):
            return redirect_to(request, "create", view, note=note)
        case _:
            return to_list(request, view, note=note)


def _chosen(sent: QueryParams | FormData, view: ModelAdmin) -> list[str]:
    """Return the rows that were ticked, or named as `pks=1,2`."""
    values = (value for value in sent.getlist("pks") if isinstance(value, str))
    chosen = [pk for value in values for pk in value.split(",") if pk]
    if not chosen or len(chosen) > max(view.page_size_options):
        raise HTTPException(400, "Choose some rows first.")
    return list(dict.fromkeys(chosen))

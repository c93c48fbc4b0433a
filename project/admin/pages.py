"""The endpoints of the admin, in the place of SQLAdmin's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sqladmin import Admin
from sqladmin.authentication import login_required
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from wtforms import Form

from project.admin import reading, writing
from project.admin.mistakes import Mistake, explain
from project.admin.reading import Count, Found
from project.admin.rows import suggest_references
from project.admin.sessions import CookieSessions
from project.admin.sign_in_form import read_form
from project.admin.views import OFFERED, ModelAdmin
from project.admin.work import AdminWork
from project.errors import NotFound
from project.runtime import Runtime
from project.web.principal import Principal

FORM_LIMIT = 500
"""Fields that a form may send."""

LONGEST_TERM = 100

NOT_OFFERED = "This is not offered here."
NOT_PERMITTED = "You are not allowed to do this."

NOTES = {"saved": "Saved.", "added": "Added.", "deleted": "Deleted."}
"""What the page after a change may say; an address chooses one and cannot say more."""


class AdminPages(Admin):
    """Answers requests. What is blocking goes to `work`: one hop, one transaction."""

    runtime: Runtime
    work: AdminWork
    sessions: CookieSessions
    groups: dict[str, list[ModelAdmin]]

    # -- signing in and out -------------------------------------------------------------

    async def login(self, request: Request) -> Response:
        """Show the sign-in form, or check it."""
        target = self.sessions.local_target(request.query_params.get("next"))
        if request.method != "POST":
            if await self.sessions.find_principal(request) is not None:
                return RedirectResponse(target, 303)
            return await self.page(request, "sqladmin/login.html", target=target)
        answer = await self.sessions.login(request)
        if isinstance(answer, Response):
            return answer
        form = await read_form(request)  # the sessions have read it: this is the same again
        target = self.sessions.local_target(form.get("next"))
        return await self.page(request, "sqladmin/login.html", 401, target=target, is_refused=True)

    async def login_code(self, request: Request) -> Response:
        """Ask for a code of the second factor, or check it."""
        return await self.sessions.second_step.ask_code(request, self.page)

    async def login_enrol(self, request: Request) -> Response:
        """Show what an authenticator app wants to know, or take its first code."""
        return await self.sessions.second_step.enrol(request, self.page)

    @login_required
    async def two_factor(self, request: Request) -> Response:
        """Ask for the password once more, then set up a second factor."""
        return await self.sessions.second_step.set_up(request, self.page)

    async def logout(self, request: Request) -> Response:
        """End the session."""
        return await self.sessions.logout(request)

    # -- reading ------------------------------------------------------------------------

    @login_required
    async def index(self, request: Request) -> Response:
        """Show what there is."""
        views = [view for view in self.model_views() if may(request, view, "view")]
        counts = await self.work.run(_count_all, views)
        return await self.page(request, "sqladmin/index.html", groups=self.groups, counts=counts)

    @login_required
    async def list(self, request: Request) -> Response:
        """Show a page of rows."""
        view = self.view_of(request, "view")
        page = await self.work.run(reading.fetch_list, view, request)
        return await self.page(request, view.list_template, model_view=view, page=page)

    @login_required
    async def details(self, request: Request) -> Response:
        """Show one row."""
        view = self.view_of(request, "view")
        if not view.can_view_details:
            raise HTTPException(403, NOT_OFFERED)
        names = view.details_columns
        found = await self.work.run(reading.fetch_row, view, request.path_params["pk"], names)
        return await self.page(request, view.details_template, model_view=view, row=found.shown)

    @login_required
    async def ajax_lookup(self, request: Request) -> Response:
        """Suggest rows for a field that names one, to whoever may fill it in and see them."""
        view = self.view_of(request, "add", "change")
        name = request.query_params.get("name", "")
        term = request.query_params.get("term", "").replace("\0", "")[:LONGEST_TERM]
        loader = view.lookups.get(name)
        if loader is not None and not self._may_see(request, loader.model):
            raise HTTPException(403, NOT_PERMITTED)
        found = await self.work.run(suggest_references, view, name, term)
        return JSONResponse({"results": found})

    # -- writing ------------------------------------------------------------------------

    @login_required
    async def create(self, request: Request) -> Response:
        """Show an empty form, or make a row of what it says."""
        view, principal = self.view_of(request, "add"), principal_of(request)
        sent = await _sent(request)
        form = await self.work.run(writing.open_empty, view, principal, sent)
        if sent is None:
            return await self._form_page(request, view, form)
        if not form.validate():
            return await self._form_page(request, view, form, status=400)
        values = dict(form.data)
        try:
            await view.prepare_values(self.runtime, values)
            identifier = await self.work.run(writing.create, view, principal, form, values)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return await self._mistake_page(request, view, form, error)
        return _after_saving(request, view, sent, identifier, note="added")

    @login_required
    async def edit(self, request: Request) -> Response:
        """Show a row in a form, or change it."""
        view, principal = self.view_of(request, "change"), principal_of(request)
        sent, identifier = await _sent(request), request.path_params["pk"]
        found, form = await self.work.run(writing.open_row, view, principal, identifier, sent)
        if sent is None:
            return await self._form_page(request, view, form, found=found, version=found.version)
        return await self._save(request, view, found, form, sent)

    async def _save(
        self, request: Request, view: ModelAdmin, found: Found, form: Form, sent: FormData
    ) -> Response:
        identifier = found.shown.identifier
        version = str(sent.get("_version", "")) or found.version
        if not form.validate():
            return await self._form_page(
                request, view, form, found=found, version=version, status=400
            )
        values = dict(form.data)
        try:
            await view.prepare_values(self.runtime, values)
            await self.work.run(
                writing.update,
                view,
                identifier,
                form,
                values,
                principal=principal_of(request),
                version=version,
            )
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return await self._mistake_page(
                request, view, form, error, found=found, version=version
            )
        return _after_saving(request, view, sent, identifier, note="saved")

    @login_required
    async def delete(self, request: Request) -> Response:
        """Ask whether some rows may go, or delete them: all or none."""
        view = self.view_of(request, "delete")
        if request.method != "POST":
            return await self._confirm_page(request, view, _chosen(request.query_params, view))
        chosen = _chosen(await _read(request), view)
        try:
            await self.work.run(writing.delete, view, principal_of(request), chosen)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            mistake = _explain(error, view)
            return await self._confirm_page(request, view, chosen, mistake)
        return _to_list(request, view, note="deleted")

    # -- pages --------------------------------------------------------------------------

    async def page(
        self, request: Request, template: str, status: int = 200, **context: Any
    ) -> Response:
        """Fill in a template; it also sees who is signed in and what was just done."""
        context["principal"] = getattr(request.state, "principal", None)
        context["note"] = NOTES.get(request.query_params.get("note", ""))
        context.setdefault("mistake", None)
        return await self.templates.TemplateResponse(request, template, context, status)

    def model_views(self) -> Iterator[ModelAdmin]:
        """Yield the views of models, in the menu's order."""
        return (view for views in self.groups.values() for view in views)

    def view_of(self, request: Request, *actions: str) -> ModelAdmin:
        """Return the view that the path names, to take one of these actions.

        Raises HTTPException if the view does not offer them, or whoever asks may not.
        """
        view = self._find_model_view(request.path_params["identity"])
        assert isinstance(view, ModelAdmin)  # noqa: S101 - the site adds no others
        if not any(getattr(view, OFFERED.get(action, ""), True) for action in actions):
            raise HTTPException(403, NOT_OFFERED)
        if not any(may(request, view, action) for action in actions):
            raise HTTPException(403, NOT_PERMITTED)
        return view

    def _may_see(self, request: Request, model: type) -> bool:
        """Whether somebody may see the rows of a model, be it shown in the admin or not."""
        views = [view for view in self.model_views() if view.model is model]
        if views:
            return any(may(request, view, "view") for view in views)
        name = self.runtime.permissions.name_of(model, "view")
        return principal_of(request).has_permission(name or "")

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
        self,
        request: Request,
        view: ModelAdmin,
        form: Form,
        error: Exception,
        *,
        found: Found | None = None,
        version: str = "",
    ) -> Response:
        """Show the form again, as it was sent, with a sentence on what is wrong."""
        mistake = _explain(error, view)
        theirs: Mapping[str, str] = {}
        if isinstance(error, writing.ChangedMeanwhile):
            # Saving once more is then a decision, made with both values in view.
            version, theirs = error.version, error.theirs
        if mistake.field in form._fields:
            field = form._fields[mistake.field]
            field.errors = [*field.errors, mistake.sentence]
            mistake = mistake._replace(sentence="")
        return await self._form_page(
            request,
            view,
            form,
            found=found,
            status=mistake.status,
            version=version,
            mistake=mistake,
            theirs=theirs,
        )

    async def _confirm_page(
        self,
        request: Request,
        view: ModelAdmin,
        chosen: Sequence[str],
        mistake: Mistake | None = None,
    ) -> Response:
        rows = await self.work.run(reading.fetch_labels, view, chosen)
        status = 200 if mistake is None else mistake.status
        return await self.page(
            request, "sqladmin/delete.html", status, model_view=view, rows=rows, mistake=mistake
        )


def principal_of(request: Request) -> Principal:
    """Return who is signed in, whom the sessions have put there."""
    principal: Principal = request.state.principal
    return principal


def may(request: Request, view: ModelAdmin, action: str) -> bool:
    """Whether whoever is signed in may take an action here; templates ask the same."""
    return view.is_accessible(request) and view.permits(principal_of(request), action)


async def _sent(request: Request) -> FormData | None:
    """Read what a form sent; None if it has to be shown first."""
    if request.method != "POST":
        return None
    return await _read(request)


async def _read(request: Request) -> FormData:
    """Read a form of the admin: it has no files, and no more fields than a view can show."""
    return await request.form(max_fields=FORM_LIMIT, max_files=0)


def path_to(request: Request, name: str, **parameters: Any) -> str:
    """Return the path of one of the admin's routes.

    A path, not an address: behind a proxy the application may not know its own scheme.
    """
    return request.url_for(f"admin:{name}", **parameters).path


def with_query(request: Request, **changes: object) -> str:
    """Return the query of this page with some parts changed, or left out if None."""
    left_out = {"note", "page", *changes}
    kept = [
        (key, value) for key, value in request.query_params.multi_items() if key not in left_out
    ]
    added = [(key, str(value)) for key, value in changes.items() if value is not None]
    return f"?{urlencode([*kept, *added])}"


def _redirect(
    request: Request, name: str, view: ModelAdmin, *, note: str, **parameters: str
) -> Response:
    path = path_to(request, name, identity=view.identity, **parameters)
    return RedirectResponse(f"{path}?note={note}", 303)


def _after_saving(
    request: Request, view: ModelAdmin, sent: FormData, identifier: str, *, note: str
) -> Response:
    """Go where the button that was pressed says; the words are SQLAdmin's."""
    match sent.get("save"):
        case "Save and continue editing" if may(request, view, "change"):
            return _redirect(request, "edit", view, note=note, pk=identifier)
        case "Save and add another" if may(request, view, "add"):
            return _redirect(request, "create", view, note=note)
        case _:
            return _to_list(request, view, note=note)


def _to_list(request: Request, view: ModelAdmin, *, note: str) -> Response:
    """Go to the list; whoever may not see it goes to the overview."""
    if may(request, view, "view"):
        return _redirect(request, "list", view, note=note)
    return RedirectResponse(f"{path_to(request, 'index')}?note={note}", 303)


def _chosen(sent: QueryParams | FormData, view: ModelAdmin) -> list[str]:
    """Return the rows that were ticked, or named as `pks=1,2`."""
    values = (value for value in sent.getlist("pks") if isinstance(value, str))
    chosen = [pk for value in values for pk in value.split(",") if pk]
    if not chosen or len(chosen) > max(view.page_size_options):
        raise HTTPException(400, "Choose some rows first.")
    return list(dict.fromkeys(chosen))


def _explain(error: Exception, view: ModelAdmin) -> Mistake:
    """Turn an error into a sentence, or raise it again if nobody foresaw it."""
    if isinstance(error, NotFound):
        raise error
    mistake = explain(error, view)
    if mistake is None:
        raise error
    return mistake


def _count_all(session: Session, views: Sequence[ModelAdmin]) -> dict[str, Count]:
    return {
        view.identity: reading.count_rows(session, view, reading.select_all(view)) for view in views
    }

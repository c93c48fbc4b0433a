"""What every room of the admin builds its answers with.

The rooms themselves lie beside this file: `sign_in_pages`, `dashboard`, `lists`, `objects`.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqladmin import Admin
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from project.admin import flash
from project.admin.mistakes import Mistake, explain
from project.admin.recording import Actor
from project.admin.sessions import CookieSessions
from project.admin.views import OFFERED, ModelAdmin
from project.admin.work import AdminWork
from project.admin.zones import set_zone
from project.errors import NotFound
from project.i18n import gettext, mark
from project.i18n.catalogues import Languages
from project.logging import request_id
from project.runtime import Runtime, runtime_of
from project.web.client import client_of
from project.web.principal import Principal

FORM_LIMIT = 500
"""Fields that a form may send."""

ZONE = "_zone"
"""The field that says by whose clock a form shows moments."""

FEW_ROWS = 25
"""Rows with inputs that the event loop writes by itself."""

NOT_OFFERED = mark("This is not offered here.")
NOT_PERMITTED = mark("You are not allowed to do this.")

NOTES = {
    "saved": mark("Saved."),
    "added": mark("Added."),
    "deleted": mark("Deleted."),
    "ended": mark("Signed out."),
}
"""What the page after a change says, once."""


class AdminPages(Admin):
    """Answers requests. What is blocking goes to `work`: one hop, one transaction."""

    runtime: Runtime
    work: AdminWork
    sessions: CookieSessions
    groups: dict[str, list[ModelAdmin]]
    languages: Languages

    async def page(
        self, request: Request, template: str, status: int = 200, **context: Any
    ) -> Response:
        """Fill in a template; it also sees who is signed in and what was just done."""
        context["has_history"] = self.runtime.trail is not None
        context["principal"] = getattr(request.state, "principal", None)
        told = flash.said(request, self.runtime.settings)
        # Beside a mistake it would say the opposite of it, or praise what is long past.
        context["note"] = told if status < HTTPStatus.BAD_REQUEST else None
        context.setdefault("mistake", None)
        response = await self._fill_in(request, template, status, context)
        if told is not None:
            flash.forget(response)
        return response

    async def _fill_in(
        self, request: Request, template: str, status: int, context: dict[str, Any]
    ) -> Response:
        if _has_many_fields(context):
            render = self.templates.env.get_template(template).render
            content = await self.runtime.lanes.cpu.run(render, {**context, "request": request})
            return HTMLResponse(content, status)
        response: Response = await self.templates.TemplateResponse(
            request, template, context, status
        )
        return response

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

    def may_see(self, request: Request, model: type) -> bool:
        """Whether somebody may see the rows of a model, be it shown in the admin or not."""
        views = [view for view in self.model_views() if view.model is model]
        if views:
            return any(may(request, view, "view") for view in views)
        name = self.runtime.permissions.name_of(model, "view")
        return principal_of(request).has_permission(name or "")


def _has_many_fields(context: Mapping[str, Any]) -> bool:
    """Whether a page takes longer to write than the event loop can spare: inlines, long lists."""
    return bool(context.get("inlines")) or len(context.get("editors") or ()) > FEW_ROWS


def principal_of(request: Request) -> Principal:
    """Return who is signed in, whom the sessions have put there."""
    principal: Principal = request.state.principal
    return principal


def actor_of(request: Request) -> Actor:
    """Return who is signed in, and where the request came from, for the history of changes."""
    return Actor(principal_of(request), request_id.get(), client_of(request).address)


def may(request: Request, view: ModelAdmin, action: str) -> bool:
    """Whether whoever is signed in may take an action here; templates ask the same."""
    return view.is_accessible(request) and view.permits(principal_of(request), action)


def path_to(request: Request, name: str, **parameters: Any) -> str:
    """Return the path of one of the admin's routes.

    A path, not an address: behind a proxy the application may not know its own scheme.
    """
    # Asked of the admin's own routes: `url_for` would walk through all of the application's.
    path = request.scope["app"].router.url_path_for(name, **parameters)
    return f"{request.scope['root_path']}{path}"


def with_query(request: Request, **changes: object) -> str:
    """Return the query of this page with some parts changed, or left out if None."""
    left_out = {"note", "page", "after", "before", *changes}
    kept = [
        (key, value) for key, value in request.query_params.multi_items() if key not in left_out
    ]
    added = [(key, str(value)) for key, value in changes.items() if value is not None]
    return f"?{urlencode([*kept, *added])}"


def redirect_to(
    request: Request, name: str, view: ModelAdmin, *, note: str, **parameters: str
) -> Response:
    """Send the browser to a page of a view, which says once what was done.

    `note` is a name of NOTES, or a sentence.
    """
    path = path_to(request, name, identity=view.identity, **parameters)
    query = request.query_params.get("back", "")
    kept = [("back", query)] if query and name != "list" else way_back(request)
    return redirect_saying(request, f"{path}?{urlencode(kept)}" if kept else path, note)


def redirect_saying(request: Request, address: str, note: str) -> Response:
    """Send the browser to a page that says once what was done."""
    response = RedirectResponse(address, 303)
    return flash.say(response, runtime_of(request).settings, gettext(NOTES.get(note, note)))


def way_back(request: Request) -> list[tuple[str, str]]:
    """Return what the list showed from which somebody came here; `back` is a query, no address."""
    parts = read_back(request.query_params.get("back", ""))
    return [(name, value) for name, value in parts if name != "note"]


def read_back(query: str) -> list[tuple[str, str]]:
    """Read the query of a list that somebody came from; one with too many parts leads nowhere."""
    try:
        return parse_qsl(query, max_num_fields=FORM_LIMIT)
    except ValueError:
        return []


def list_address(request: Request, view: ModelAdmin) -> str:
    """Return the address of the list, as it was when somebody left it."""
    query = urlencode(way_back(request))
    path = path_to(request, "list", identity=view.identity)
    return f"{path}?{query}" if query else path


def to_list(request: Request, view: ModelAdmin, *, note: str) -> Response:
    """Go to the list; whoever may not see it goes to the overview."""
    if may(request, view, "view"):
        return redirect_to(request, "list", view, note=note)
    return redirect_saying(request, path_to(request, "index"), note)


async def read_sent(request: Request) -> FormData | None:
    """Read what a form sent; None if it has to be shown first."""
    if request.method != "POST":
        return None
    return await read_fields(request)


async def read_fields(request: Request, *, limit: int = FORM_LIMIT) -> FormData:
    """Read a form of the admin: it has no files, and no more fields than a view can show."""
    return await request.form(max_fields=limit, max_files=0)


def keep_zone(sent: FormData) -> None:
    """Read moments by the clock that the form was shown by; the browser may have named another."""
    if ZONE in sent:
        set_zone(str(sent[ZONE]))


def mistake_of(error: Exception, view: ModelAdmin) -> Mistake:
    """Turn an error into a sentence, or raise it again if nobody foresaw it."""
    if isinstance(error, NotFound):
        raise error
    mistake = explain(error, view)
    if mistake is None:
        raise error
    return mistake

"""Actions on rows of a list, and on one row: the question before, and the doing."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from sqladmin.authentication import login_required
from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from wtforms import Form

from project.admin import flash
from project.admin.actions import Action, Refused
from project.admin.lists.actions import Preview, Task, perform, preview
from project.admin.lists.bulk_options import DELETE
from project.admin.lists.filters import Scope
from project.admin.lists.selection import Grown, Selection, read_selection
from project.admin.mistakes import Mistake
from project.admin.pages import (
    FORM_LIMIT,
    NOT_PERMITTED,
    AdminPages,
    actor_of,
    mistake_of,
    path_to,
    principal_of,
    read_back,
)
from project.admin.views import ModelAdmin
from project.i18n import gettext

Sent = FormData | QueryParams

LIST_LIMIT = 2 * FORM_LIMIT
"""Fields that a list may send: its tick boxes, and what can be edited in it."""

PREFIX = "value-"
"""Before the fields of an action's own form, which may have any name."""

EXPORT = "export_chosen"
WHOLE_LIST, AGREED = "whole_list", "_agreed"
LONGEST_QUERY = 8_000


class ActionPages(AdminPages):
    """What is done with rows: by POST alone; by GET there is only the question."""

    def action_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        question, both = "/{identity}/action/{action}", ["GET", "POST"]
        return [
            Route("/{identity}/action", self.action, name="action", methods=["POST"]),
            Route(question, self.ask_action, name="ask_action", methods=both),
        ]

    @login_required
    async def action(self, request: Request) -> Response:
        """Do something with some rows, or ask first."""
        view, sent = self.view_of(request, "view"), await _sent(request)
        if _text(sent, "action") == EXPORT:
            return _to_export(request, view, sent)
        action = _find_action(request, view, _text(sent, "action"))
        if action is None:
            raise HTTPException(400, gettext("Choose an action first."))
        return await self._act(request, action, self.selection_of(request, view, sent))

    @login_required
    async def ask_action(self, request: Request) -> Response:
        """Ask under an address of its own, to which somebody who was signed out comes back."""
        view, sent = self.view_of(request, "view"), await _sent(request)
        action = _find_action(request, view, request.path_params["action"])
        if action is None:
            raise HTTPException(404)
        selection = self.selection_of(request, view, sent)
        if request.method == "POST":
            return await self._act(request, action, selection)
        if _has_own_page(action, selection):
            return self._to_deletion(request, selection, _text(sent, "back"))
        return await self._ask(request, selection, action, None)  # an address never does anything

    async def _act(self, request: Request, action: Action, selection: Selection) -> Response:
        view, sent = selection.view, await request.form()  # read already
        if _has_own_page(action, selection):
            return self._to_deletion(request, selection, _text(sent, "back"))
        form = _form_of(action, sent)
        agreed = _text(sent, AGREED)
        asks = action.asks or selection.is_everything
        if asks and (not agreed or (form is not None and not form.validate())):
            return await self._ask(request, selection, action, form, status=400 if agreed else 200)
        shown = int(agreed) if agreed.isdecimal() and len(agreed) < 9 else None  # noqa: PLR2004
        try:
            values = {} if form is None else dict(form.data)
            task = Task(selection, action, actor_of(request), values)
            sentence = await self.work.run(perform, task, shown=shown)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return await self._mistaken(request, selection, action, form, error)
        to = RedirectResponse(_way_on(request, view, sent), 303)
        return flash.say(to, self.runtime.settings, sentence)

    def selection_of(self, request: Request, view: ModelAdmin, sent: Sent) -> Selection:
        """Read which rows are meant: those that were ticked, or the whole list."""
        scope = Scope(view, principal_of(request), partial(self.may_see, request))
        ticked = [value for value in sent.getlist("pks") if isinstance(value, str)]
        list_query = _text(sent, "back") if WHOLE_LIST in sent else None
        return read_selection(request, scope, ticked, list_query)

    def _to_deletion(self, request: Request, selection: Selection, back: str) -> Response:
        """Lead to the page that also shows what goes with the rows."""
        path = path_to(request, "delete", identity=selection.view.identity)
        query = [("pks", pk) for pk in selection.identifiers] + ([("back", back)] if back else [])
        return RedirectResponse(f"{path}?{urlencode(query)}", 303)

    async def _mistaken(
        self,
        request: Request,
        selection: Selection,
        action: Action,
        form: Form | None,
        error: Exception,
    ) -> Response:
        mistake = mistake_of(error, selection.view)
        sentences = list(error.sentences) if isinstance(error, Refused) else []
        if sentences:
            mistake = mistake._replace(sentence=gettext("Nothing was done:"))
        if form is not None and mistake.field in form._fields:
            field = form._fields[mistake.field]
            field.errors = [*field.errors, mistake.sentence]
            mistake = mistake._replace(sentence="")
        return await self._ask(
            request,
            selection,
            action,
            form,
            status=mistake.status,
            mistake=mistake,
            refusals=sentences,
            has_grown=isinstance(error, Grown),
        )

    async def _ask(
        self,
        request: Request,
        selection: Selection,
        action: Action,
        form: Form | None,
        *,
        status: int = 200,
        mistake: Mistake | None = None,
        **context: Any,
    ) -> Response:
        """Show the question: which rows, what happens to them, and the form if there is one."""
        if status == 200:  # noqa: PLR2004 - shown for the first time
            form = _empty(action)
        found: Preview = await self.work.run(preview, selection)
        sent = await _sent(request)
        address = path_to(
            request, "ask_action", identity=selection.view.identity, action=action.name
        )
        return await self.page(
            request,
            "sqladmin/action.html",
            status,
            model_view=selection.view,
            action=action,
            form=form,
            selection=selection,
            preview=found,
            address=f"{address}?{_question(selection, sent)}",
            mistake=mistake,
            back=_text(sent, "back"),
            came_from=_text(sent, "from"),
            **context,
        )


def _has_own_page(action: Action, selection: Selection) -> bool:
    return action.name == DELETE and not selection.is_everything


async def _sent(request: Request) -> Sent:
    """Return what a form sent, or what an address says that only asks."""
    if request.method != "POST":
        return request.query_params
    return await request.form(max_fields=LIST_LIMIT, max_files=0)  # read once, then remembered


def _question(selection: Selection, sent: Sent) -> str:
    """Write down which rows are meant, and the way back."""
    names = ("from", WHOLE_LIST) if selection.is_everything else ("from",)
    marks = [(name, _text(sent, name)) for name in names if name in sent]
    rows = [("pks", identifier) for identifier in selection.identifiers]
    return urlencode([*rows, *marks, ("back", _text(sent, "back"))])


def _to_export(request: Request, view: ModelAdmin, sent: Sent) -> Response:
    """Lead to the page of exports, which asks for itself what somebody may."""
    ticked = [value for value in sent.getlist("pks") if isinstance(value, str)]
    if WHOLE_LIST not in sent and not ticked:
        raise HTTPException(400, gettext("Choose some rows first."))
    chosen = [] if WHOLE_LIST in sent else [("pks", value) for value in ticked]
    query = urlencode([("back", _text(sent, "back")), *chosen])
    return RedirectResponse(f"{path_to(request, 'export', identity=view.identity)}?{query}", 303)


def actions_for(request: Request, view: ModelAdmin) -> list[Action]:
    """Return what whoever is signed in may do with rows of this view."""
    return view.actions_for(principal_of(request))


def _find_action(request: Request, view: ModelAdmin, name: str) -> Action | None:
    """Find an action by its name. Raises HTTPException if it is not for whoever asks."""
    found = next((action for action in view.bulk_actions if action.name == name), None)
    if found is not None and found not in actions_for(request, view):
        raise HTTPException(403, NOT_PERMITTED)
    return found


def _form_of(action: Action, sent: Sent) -> Form | None:
    return None if action.told.form is None else action.told.form(sent, prefix=PREFIX)


def _empty(action: Action) -> Form | None:
    return None if action.told.form is None else action.told.form(prefix=PREFIX)


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name, "")
    return value[:LONGEST_QUERY] if isinstance(value, str) else ""


def _way_on(request: Request, view: ModelAdmin, sent: Sent) -> str:
    """Return where to go afterwards: to the row, if the action was asked for there, or the list."""
    identifier, place = _text(sent, "pks"), _text(sent, "from")
    if place in {"details", "edit"} and identifier:
        return path_to(request, place, identity=view.identity, pk=identifier)
    path = path_to(request, "list", identity=view.identity)
    query = urlencode(read_back(_text(sent, "back")))
    return f"{path}?{query}" if query else path

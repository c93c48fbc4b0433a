"""Saving what was typed into a list."""

from collections.abc import Sequence

from sqladmin.authentication import login_required
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from project.admin import flash
from project.admin.lists.editing import (
    Editor,
    NotSaved,
    fetch_again,
    open_sent,
    read_rows,
    save_rows,
)
from project.admin.lists.pages import ListPages
from project.admin.pages import FORM_LIMIT, NOT_OFFERED, actor_of, keep_zone, principal_of
from project.admin.views import ModelAdmin
from project.i18n import gettext, mark, ngettext, noun

BESIDE = 4
"""Fields of each row besides those for its columns: which row, its version, what it was, a tick."""

NOT_SAVED = mark("Nothing was saved: see the rows that are marked.")


class EditingPages(ListPages):
    """Lists in which rows can be changed."""

    def editing_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        return [Route("/{identity}/list", self.save_list, name="save_list", methods=["POST"])]

    @login_required
    async def save_list(self, request: Request) -> Response:
        """Save the rows that were touched, all of them or none; show the list again."""
        view = self.view_of(request, "change")
        if not view.is_list_editable:
            raise HTTPException(403, NOT_OFFERED)
        limit = max(view.page_size_options) * (BESIDE + len(view.editable_columns)) + FORM_LIMIT
        sent = await request.form(max_fields=limit, max_files=0)
        keep_zone(sent)
        identifiers = [identifier for identifier, _ in read_rows(sent)]
        if len(identifiers) > max(view.page_size_options):
            raise HTTPException(400, gettext("These are more rows than a list shows."))
        editors = await self.work.run(open_sent, view, principal_of(request), sent)
        try:
            saved = await self._save_all(request, view, editors)
        except NotSaved as refusal:
            return await self._show_again(request, identifiers, refusal.editors)
        query = f"?{request.url.query}" if request.url.query else ""
        name = noun(view.name if saved == 1 else view.name_plural)
        sentence = gettext("Nothing was changed.")
        if saved:
            sentence = ngettext(
                "%(num)s %(name)s saved.", "%(num)s %(name)s saved.", saved, name=name
            )
        to = RedirectResponse(f"{request.url.path}{query}", 303)
        return flash.say(to, self.runtime.settings, sentence)

    async def _save_all(self, request: Request, view: ModelAdmin, editors: list[Editor]) -> int:
        if any(editor.is_wrong for editor in editors):
            raise NotSaved(editors)
        for editor in editors:
            await view.prepare_values(self.runtime, editor.values)
        return await self.work.run(save_rows, view, actor_of(request), editors)

    async def _show_again(
        self, request: Request, identifiers: list[str], wrong: Sequence[Editor]
    ) -> Response:
        view, query = self.view_of(request, "change"), self.query_of(request)
        page, editors = await self.work.run(fetch_again, query, request, identifiers, wrong)
        gone = [editor for editor in wrong if editor.identifier not in editors]
        status = max((editor.status for editor in wrong), default=400)
        return await self._list_page(
            request,
            view,
            query,
            page,
            editors=editors,
            gone=gone,
            refusal=(status, gettext(NOT_SAVED)),
        )

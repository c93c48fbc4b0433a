"""Adding and changing a row, with the rows that belong to it."""

from typing import Any

from sqladmin.authentication import login_required
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from project.admin.conflicts import OPENED, ChangedMeanwhile, remember, remembered
from project.admin.mistakes import Mistake
from project.admin.objects import saving
from project.admin.objects.children import GONE
from project.admin.objects.foreseeing import foresee
from project.admin.objects.gone import open_gone
from project.admin.objects.inline import MOST_ROWS
from project.admin.objects.layout import lay_out
from project.admin.objects.saving import Opened
from project.admin.pages import (
    FORM_LIMIT,
    NOT_PERMITTED,
    AdminPages,
    actor_of,
    keep_zone,
    may,
    mistake_of,
    path_to,
    principal_of,
    read_fields,
    redirect_to,
    to_list,
)
from project.admin.views import ModelAdmin
from project.errors import NotFound
from project.i18n import gettext

SAVE_AS_NEW = "Save as new"
MARKS = 3
"""Fields that a row of an inline has besides its columns."""


class FormPages(AdminPages):
    """The forms."""

    def form_routes(self) -> list[BaseRoute]:
        """Name the pages of this part of the room."""
        both = ["GET", "POST"]
        return [
            Route("/{identity}/create", self.create, name="create", methods=both),
            Route("/{identity}/edit/{pk:path}", self.edit, name="edit", methods=both),
        ]

    @login_required
    async def create(self, request: Request) -> Response:
        """Show an empty form, or make a row of what it says."""
        view, principal = self.view_of(request, "add"), principal_of(request)
        sent = await _read_sent(request, view)
        opened = await self.work.run(saving.open_new, view, principal, sent)
        if sent is None:
            return await self._form_page(request, view, opened)
        return await self._add(request, view, opened, sent)

    @login_required
    async def edit(self, request: Request) -> Response:
        """Show a row in a form, or change it, or save what was made of it as a new one."""
        view, principal = self.view_of(request, "change"), principal_of(request)
        sent, identifier = await _read_sent(request, view), request.path_params["pk"]
        if sent is not None:
            try:
                return await self._save_sent(request, view, identifier, sent)
            except NotFound:
                return await self._gone_page(request, view, identifier, sent)
        opened = await self.work.run(saving.open_there, view, principal, identifier, None)
        assert opened.found is not None  # noqa: S101 - a row that is not there was a 404
        known = {"version": opened.found.version, "opened": remember(opened.form)}
        return await self._form_page(request, view, opened, **known)

    async def _save_sent(
        self, request: Request, view: ModelAdmin, identifier: str, sent: FormData
    ) -> Response:
        principal = principal_of(request)
        if view.save_as and sent.get("save") == SAVE_AS_NEW:
            if not may(request, view, "add"):
                raise HTTPException(403, NOT_PERMITTED)
            opened = await self.work.run(saving.open_copy, view, principal, identifier, sent)
            return await self._add(request, view, opened, sent)
        opened = await self.work.run(saving.open_there, view, principal, identifier, sent)
        return await self._save(request, view, opened, sent)

    async def _gone_page(
        self, request: Request, view: ModelAdmin, identifier: str, sent: FormData
    ) -> Response:
        """Show what was typed for a row that somebody deleted: as a new one, or to be copied."""
        gone = await self.work.run(
            open_gone,
            view,
            principal_of(request),
            identifier,
            sent,
            may_add=may(request, view, "add"),
        )
        if gone.opened is None:
            return await self.page(request, "sqladmin/gone.html", 404, model_view=view, gone=gone)
        action = _create_path(request, view)
        return await self._form_page(request, view, gone.opened, 404, gone=gone, action=action)

    async def _add(
        self, request: Request, view: ModelAdmin, opened: Opened, sent: FormData
    ) -> Response:
        opened.found = None  # a copy that is shown again is a new row, and no more the old one
        known = {"action": _create_path(request, view)}
        if not opened.validate():
            await self.work.run(foresee, view, principal_of(request), opened)
            return await self._form_page(request, view, opened, 400, **known)
        try:
            await self._prepare(view, opened)
            identifier, name = await self.work.run(
                saving.create_whole, view, actor_of(request), opened
            )
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return await self._mistake_page(request, view, opened, error, **known)
        if is_popup(request):
            return await self.page(request, "sqladmin/popup_done.html", name=name, model_view=view)
        return _after_saving(request, view, sent, identifier, note="added")

    async def _save(
        self, request: Request, view: ModelAdmin, opened: Opened, sent: FormData
    ) -> Response:
        assert opened.found is not None  # noqa: S101 - a row that is not there was a 404
        version = str(sent.get("_version", "")) or opened.found.version
        # Shown again with every answer but the last: what somebody has seen, of which version.
        known: dict[str, Any] = {"version": version, "opened": str(sent.get(OPENED, ""))}
        if not opened.validate():
            await self.work.run(foresee, view, principal_of(request), opened)
            return await self._form_page(request, view, opened, 400, **known)
        try:
            await self._prepare(view, opened)
            await self.work.run(
                saving.update_whole,
                view,
                actor_of(request),
                opened,
                version=version,
                shown_before=remembered(sent),
            )
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            return await self._mistake_page(request, view, opened, error, **known)
        return _after_saving(request, view, sent, opened.found.shown.identifier, note="saved")

    async def _prepare(self, view: ModelAdmin, opened: Opened) -> None:
        opened.values = dict(opened.form.data)
        await view.prepare_values(self.runtime, opened.values)
        for children in opened.children:
            for block in (block for block in children.blocks if block.is_saved):
                opened.at = (children.inline, block)
                block.values = dict(block.form.data)
                await children.inline.prepare_values(self.runtime, block.values)
        opened.at = None

    async def _form_page(
        self,
        request: Request,
        view: ModelAdmin,
        opened: Opened,
        status: int = 200,
        /,
        **context: Any,
    ) -> Response:
        template = view.create_template if opened.found is None else view.edit_template
        row = None if opened.found is None else opened.found.shown
        for children in opened.children:
            children.rename()
        return await self.page(
            request,
            template,
            status,
            model_view=view,
            form=opened.form,
            sections=lay_out(view, opened.form, row),
            inlines=opened.children,
            row=row,
            is_popup=is_popup(request),
            **context,
        )

    async def _mistake_page(
        self,
        request: Request,
        view: ModelAdmin,
        opened: Opened,
        error: Exception,
        /,
        **context: Any,
    ) -> Response:
        """Show the form again, as it was sent, with a sentence on what is wrong."""
        if opened.at is not None:
            mistake = _mistake_of_child(opened, error)
            return await self._form_page(
                request, view, opened, mistake.status, mistake=mistake, **context
            )
        mistake = mistake_of(error, view)
        if isinstance(error, ChangedMeanwhile):
            # Saving once more is then a decision, made with both values in view.
            context |= {"version": error.version, "opened": error.opened, "conflict": error}
            context["written"] = remember(opened.form)
        if mistake.field in opened.form._fields:
            field = opened.form._fields[mistake.field]
            field.errors = [*field.errors, mistake.sentence]
            mistake = mistake._replace(sentence="")
            await self.work.run(foresee, view, principal_of(request), opened)
        return await self._form_page(
            request, view, opened, mistake.status, mistake=mistake, **context
        )


def is_popup(request: Request) -> bool:
    """Whether a page was opened beside a field, to add what the field shall name."""
    return "_popup" in request.query_params


def _create_path(request: Request, view: ModelAdmin) -> str:
    path = path_to(request, "create", identity=view.identity)
    return f"{path}?{request.url.query}" if request.url.query else path


def _mistake_of_child(opened: Opened, error: Exception) -> Mistake:
    """Put what went wrong with a row of an inline beside that row."""
    assert opened.at is not None  # noqa: S101 - asked before
    inline, block = opened.at
    if isinstance(error, NotFound):
        block.mistakes.append(gettext(GONE))
        return Mistake(None, "", 409)
    mistake = mistake_of(error, inline)
    saving.note_conflict(block, error)
    if mistake.field in block.form._fields:
        field = block.form._fields[mistake.field]
        field.errors = [*field.errors, mistake.sentence]
    else:
        block.mistakes.append(mistake.sentence)
    return mistake._replace(field=None, sentence="")


async def _read_sent(request: Request, view: ModelAdmin) -> FormData | None:
    if request.method != "POST":
        return None
    columns = sum(len(inline.shown_names) + MARKS for inline in view.inline_views)
    sent = await read_fields(request, limit=FORM_LIMIT + MOST_ROWS * columns)
    keep_zone(sent)
    return sent


def _after_saving(
    request: Request, view: ModelAdmin, sent: FormData, identifier: str, *, note: str
) -> Response:
    """Go where the button that was pressed says; the words are SQLAdmin's."""
    match sent.get("save"):
        case "Save and continue editing" | "Save as new" if may(request, view, "change"):
            return redirect_to(request, "edit", view, note=note, pk=identifier)
        case "Save and add another" if may(request, view, "add"):
            return redirect_to(request, "create", view, note=note)
        case _:
            return to_list(request, view, note=note)

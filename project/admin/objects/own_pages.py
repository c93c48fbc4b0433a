"""Pages of apps about one row: who may open them, and what becomes of what they ask."""

from typing import Any

from sqladmin.authentication import login_required
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from wtforms import Form

from project.admin.objects.object_page import ObjectPage
from project.admin.pages import (
    AdminPages,
    actor_of,
    mistake_of,
    principal_of,
    read_sent,
    redirect_to,
)
from project.admin.reading import Found, fetch_row
from project.admin.recording import Actor, record_change
from project.admin.rows import select_row
from project.admin.views import ModelAdmin, Values
from project.errors import NotFound
from project.trail import CHANGE
from project.web.principal import Principal


class OwnPages(AdminPages):
    """What views declare as `object_pages`."""

    def own_page_routes(self) -> list[BaseRoute]:
        """Name the pages of this part of the room; tried after all others."""
        path = "/{identity}/{object_page}/{pk:path}"
        return [Route(path, self.object_page, name="object_page", methods=["GET", "POST"])]

    @login_required
    async def object_page(self, request: Request) -> Response:
        """Ask what the page asks, or do it."""
        view, page = self._page_of(request)
        principal, identifier = principal_of(request), request.path_params["pk"]
        sent = await read_sent(request)
        found = await self.work.run(_open, view, page, principal, identifier)
        form = page.form() if sent is None else page.form(sent)
        if sent is None:
            return await self._show(request, view, page, found, form)
        if not form.validate():
            return await self._show(request, view, page, found, form, status=400)
        values = dict(form.data)
        try:
            await page.prepare_values(self.runtime, found.row, values)
            await self.work.run(_save, view, page, actor_of(request), identifier, values=values)
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            mistake = mistake_of(error, view)
            if mistake.field in form._fields:
                field = form._fields[mistake.field]
                field.errors = [*field.errors, mistake.sentence]
                mistake = mistake._replace(sentence="")
            return await self._show(
                request, view, page, found, form, status=mistake.status, mistake=mistake
            )
        target = "edit" if view.permits(principal, "change") else "details"
        return redirect_to(
            request, target, view, note=page.said_when_done(self.runtime), pk=identifier
        )

    def _page_of(self, request: Request) -> tuple[ModelAdmin, ObjectPage]:
        view = self.view_of(request, "view", "change", "delete")
        page = view.own_pages.get(request.path_params["object_page"])
        if page is None:
            raise HTTPException(404)
        return self.view_of(request, page.permission), page

    async def _show(
        self,
        request: Request,
        view: ModelAdmin,
        page: ObjectPage,
        found: Found,
        form: Form,
        **context: Any,
    ) -> Response:
        return await self.page(
            request,
            "sqladmin/object_page.html",
            context.pop("status", 200),
            model_view=view,
            own_page=page,
            row=found.shown,
            form=form,
            **context,
        )


def _open(
    session: Session, view: ModelAdmin, page: ObjectPage, principal: Principal, identifier: str
) -> Found:
    found = fetch_row(session, view, principal, identifier, [])
    action = page.permission
    if action != "view":
        view.authorise(session, principal, action, found.row, {})
    if not page.is_offered(view.runtime, found.row):
        raise NotFound
    session.expunge(found.row)
    return found


def _save(
    session: Session,
    view: ModelAdmin,
    page: ObjectPage,
    actor: Actor,
    identifier: str,
    *,
    values: Values,
) -> None:
    statement = select_row(view, actor.principal, identifier).with_for_update(of=view.model)
    row = session.scalars(statement).one_or_none()
    if row is None:
        raise NotFound
    if page.permission != "view":
        view.authorise(session, actor.principal, page.permission, row, {})
    page.save(session, view.runtime, row, values, actor.principal)
    session.flush()  # what the database has to say is said before the commit
    if view.runtime.trail is not None:
        changes: dict[str, list[Any]] = {page.name: []}
        record_change(session, view, actor, action=CHANGE, row=row, changes=changes)

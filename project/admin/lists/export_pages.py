"""Export: what would be written is shown first, then it is streamed."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from loguru import logger
from sqladmin.authentication import login_required
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from project.admin.lists.counting import count_rows
from project.admin.lists.export import (
    Order,
    Pipe,
    Written,
    export_names,
    record_export,
    stream,
    write_rows,
)
from project.admin.lists.filters import Scope
from project.admin.lists.plain_files import CSV, FORMATS
from project.admin.lists.selection import Selection, read_selection
from project.admin.pages import (
    FORM_LIMIT,
    NOT_OFFERED,
    NOT_PERMITTED,
    AdminPages,
    actor_of,
    principal_of,
)
from project.admin.recording import Actor
from project.admin.views import ModelAdmin
from project.errors import Unavailable
from project.i18n import gettext

COLUMNS = "column"


class ExportRuns(Unavailable):
    code = "export_runs"
    title = "Somebody is exporting right now; try again when that is done"


class ExportPages(AdminPages):
    """Lists as files. One export at a time in each worker: it holds a connection all the while."""

    _is_exporting = False

    def export_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        return [
            Route("/{identity}/export", self.export_page, name="export"),
            Route("/{identity}/export", self.export_rows, name="export_rows", methods=["POST"]),
        ]

    @login_required
    async def export_page(self, request: Request) -> Response:
        """Show what would be exported: how many rows, which columns."""
        view = self._exporting_view(request)
        ticked = [pk for pk in request.query_params.getlist("pks") if pk]
        back = request.query_params.get("back", "")
        selection = self._selection(request, view, ticked, back)
        count = await self.work.run(_count, selection)
        return await self.page(
            request,
            "sqladmin/export.html",
            model_view=view,
            names=export_names(view),
            selection=selection,
            count=count,
            back=back,
        )

    @login_required
    async def export_rows(self, request: Request) -> Response:
        """Stream the rows into a file."""
        view = self._exporting_view(request)
        sent = await request.form(max_fields=FORM_LIMIT, max_files=0)
        ticked = [pk for pk in sent.getlist("pks") if isinstance(pk, str)]
        back, kind = str(sent.get("back", "")), str(sent.get("format", CSV))
        chosen = {str(name) for name in sent.getlist(COLUMNS)}
        names = [name for name in export_names(view) if name in chosen or not chosen]
        if kind not in FORMATS or not chosen <= set(names):
            raise HTTPException(400, gettext("Choose a format and columns that are offered."))
        selection = self._selection(request, view, ticked, back)
        order = Order(selection, names, kind, "bom" in sent and kind == CSV, back)
        if self._is_exporting:
            raise ExportRuns
        body = await self._begin(request, order)
        name = f"{view.identity}-{time.strftime('%Y-%m-%d-%H%M%S', time.gmtime())}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(body, media_type=FORMATS[kind], headers=headers)

    def _exporting_view(self, request: Request) -> ModelAdmin:
        view = self.view_of(request, "view")
        if not view.can_export:
            raise HTTPException(403, NOT_OFFERED)
        if not may_export(request, view):
            raise HTTPException(403, NOT_PERMITTED)
        return view

    def _selection(
        self, request: Request, view: ModelAdmin, ticked: list[str], back: str
    ) -> Selection:
        scope = Scope(view, principal_of(request), partial(self.may_see, request))
        return read_selection(request, scope, ticked, None if ticked else back)

    async def _begin(self, request: Request, order: Order) -> AsyncIterator[bytes]:
        """Start to read; what fails before the first piece fails as every page does."""
        pipe, written = Pipe(self.work.longest), Written()
        self._is_exporting = True  # until the thread has ended, whatever becomes of the request
        work = asyncio.ensure_future(self._work(order, actor_of(request), pipe, written))
        work.add_done_callback(self._is_over)
        try:
            first = await pipe.read(work) or b""
        except BaseException:
            pipe.close()
            raise
        return self._body((pipe, work, first), written)

    async def _work(self, order: Order, actor: Actor, pipe: Pipe, written: Written) -> None:
        """Read in a thread. What was handed out is told of even if the rest fails."""
        try:
            await self.work.run_long(write_rows, order, actor, pipe, written)
        except Exception:
            if written.rows:
                await self.work.run(record_export, order, actor, written)
            raise

    def _is_over(self, work: "asyncio.Future[None]") -> None:
        self._is_exporting = False
        if not work.cancelled() and work.exception() is not None:
            logger.warning("An export ended early: {}", type(work.exception()).__name__)

    async def _body(
        self, running: tuple[Pipe, "asyncio.Future[None]", bytes], written: Written
    ) -> AsyncIterator[bytes]:
        async for piece in stream(*running):
            yield piece
        if not written.is_whole:
            raise TimeoutError("An export was cut off.")  # an answer without its end


def may_export(request: Request, view: ModelAdmin) -> bool:
    """Whether whoever is signed in may take a list with them."""
    return view.can_export and view.allows(principal_of(request), view.export_permission)


def _count(session: Any, selection: Selection) -> Any:
    return count_rows(session, selection.view, selection.statement())

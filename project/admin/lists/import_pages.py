"""Import: a file is checked, then sent once more to be written.

Nothing waits on the server in between. The second time the file has to be the one that was
checked, by its hash, and to do what the report said; if not, that was another check.
"""

import hashlib
from typing import Any

from sqladmin.authentication import login_required
from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from project.admin import flash
from project.admin.lists.import_reading import read_file
from project.admin.lists.import_rows import Report
from project.admin.lists.imports import Checked, Import, run_import
from project.admin.mistakes import Mistake
from project.admin.pages import (
    NOT_OFFERED,
    NOT_PERMITTED,
    AdminPages,
    actor_of,
    may,
    mistake_of,
    path_to,
)
from project.admin.recording import Actor
from project.admin.views import ModelAdmin
from project.admin.zones import DEFAULT, set_zone
from project.collection import sparing_the_old
from project.i18n import gettext, mark, number
from project.switching import handing_over_often

FIELDS = 10
FIELD_SIZE = 16_384
LARGEST = 16 * 1024 * 1024
"""Bytes of a file; a larger one is answered with 413."""

CHECKED, EXPECTED, CHECK_ONLY = "_checked", "_expected", "check"
OTHER_FILE = mark(
    "This is not the file that was checked, so it was checked now. Nothing was written."
)
OTHER_DATA = mark(
    "The data has changed since the check, so it was checked again. Nothing was written."
)


class ImportPages(AdminPages):
    """Files of rows, for whoever may add and change them."""

    def import_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        both = ["GET", "POST"]
        return [Route("/{identity}/import", self.import_rows, name="import", methods=both)]

    @login_required
    async def import_rows(self, request: Request) -> Response:
        """Ask for a file; say what it would do; do that."""
        view = self._importing_view(request)
        if request.method != "POST":
            return await self._import_page(request, view)
        sent = await _read_upload(request)
        try:
            found = sent.get("file")
            if not isinstance(found, UploadFile) or not found.filename:
                raise HTTPException(400, gettext("Choose a file first."))
            data = await found.read()
        finally:
            await sent.close()
        digest = await self.runtime.lanes.cpu.run(_digest, data)
        is_meant = CHECK_ONLY not in sent and bool(sent.get(CHECKED))
        is_same = sent.get(CHECKED) == digest
        agreed = str(sent.get(EXPECTED, "")) if is_meant and is_same else None
        try:
            report = await self.work.run(_import, view, actor_of(request), data, agreed)
        except Checked as checked:
            remark = "" if not is_meant else gettext(OTHER_DATA if is_same else OTHER_FILE)
            report, status = checked.report, 400 if checked.report.count_wrong else 200
            status = 409 if remark and status == 200 else status  # noqa: PLR2004 - fine so far
            return await self._import_page(
                request, view, status, report=report, digest=digest, remark=remark
            )
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is raised again
            mistake = mistake_of(error, view)
            return await self._import_page(request, view, mistake.status, mistake=mistake)
        to = RedirectResponse(path_to(request, "list", identity=view.identity), 303)
        sentence = gettext(
            "Import: %(added)s added, %(changed)s changed.",
            added=number(report.added),
            changed=number(report.changed),
        )
        return flash.say(to, self.runtime.settings, sentence)

    def _importing_view(self, request: Request) -> ModelAdmin:
        view = self.view_of(request, "add", "change")
        if not view.can_import:
            raise HTTPException(403, NOT_OFFERED)
        if not may_import(request, view):
            raise HTTPException(403, NOT_PERMITTED)
        return view

    async def _import_page(
        self,
        request: Request,
        view: ModelAdmin,
        status: int = 200,
        *,
        report: Report | None = None,
        mistake: Mistake | None = None,
        **context: Any,
    ) -> Response:
        columns = await self.work.run(_columns, view, actor_of(request))
        return await self.page(
            request,
            "sqladmin/import.html",
            status,
            model_view=view,
            report=report,
            mistake=mistake,
            columns=columns,
            **context,
        )


def may_import(request: Request, view: ModelAdmin) -> bool:
    """Whether whoever is signed in may add and change rows by a file."""
    return view.can_import and may(request, view, "add") and may(request, view, "change")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _columns(session: Session, view: ModelAdmin, actor: Actor) -> list[str]:
    return Import(session, view, actor).rows.columns


def _import(
    session: Session, view: ModelAdmin, actor: Actor, data: bytes, agreed: str | None
) -> Report:
    """Read and write in the thread: a large file takes seconds of both."""
    set_zone(DEFAULT)  # of this thread's context alone: files are in UTC, whoever sends them
    with sparing_the_old(), handing_over_often():
        try:
            return run_import(session, view, actor, read_file(data), agreed=agreed)
        except Checked as checked:
            report = checked.report
    raise Checked(report)  # anew: the other one keeps all that has been read


async def _read_upload(request: Request) -> FormData:
    """Read a form with a file that is larger than other bodies may be."""
    forms: list[FormData] = []

    async def read(_scope: Scope, _receive: Receive, _send: Send) -> None:
        form = request.form(max_files=1, max_fields=FIELDS, max_part_size=FIELD_SIZE)
        forms.append(await form)

    # Inside the application's own limiter, this one only tells it another number.
    await RequestBodyLimitMiddleware(read, LARGEST)(request.scope, request.receive, _send_nothing)
    return forms[0]


async def _send_nothing(_: Message) -> None:
    """Stand for a `send` that nobody calls."""

"""Who did what to a row, and when."""

from sqladmin.authentication import login_required
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from project.admin.history.reading import fetch_history
from project.admin.pages import AdminPages, principal_of
from project.db.base import MAXIMUM_ID
from project.i18n import gettext


class HistoryPages(AdminPages):
    """The history of single rows, where an installed app keeps one."""

    def history_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        if self.runtime.trail is None:
            return []
        return [Route("/{identity}/history/{pk:path}", self.history, name="history")]

    @login_required
    async def history(self, request: Request) -> Response:
        """Show what happened to one row, newest first; the row itself may be gone."""
        view, trail = self.view_of(request, "view"), self.runtime.trail
        assert trail is not None  # noqa: S101 - the route is there because of it
        history = await self.work.run(
            fetch_history,
            view,
            trail,
            principal_of(request),
            request.path_params["pk"],
            before=_before(request.query_params.get("before")),
        )
        return await self.page(request, "sqladmin/history.html", model_view=view, history=history)


def _before(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAXIMUM_ID)):
        raise HTTPException(400, gettext("An entry has a number."))
    return min(int(text), MAXIMUM_ID)

"""The first page: what there is."""

from collections.abc import Sequence

from sqladmin.authentication import login_required
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from project.admin.history.reading import Event, fetch_recent
from project.admin.lists.counting import Count, count_rows, select_all
from project.admin.pages import AdminPages, may, principal_of
from project.admin.views import ModelAdmin
from project.trail import Trail
from project.web.principal import Principal


class DashboardPages(AdminPages):
    """What staff see first."""

    def dashboard_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        return [Route("/", self.index, name="index")]

    @login_required
    async def index(self, request: Request) -> Response:
        """Show what there is."""
        views = [view for view in self.model_views() if may(request, view, "view")]
        counts, recent = await self.work.run(
            _fetch_overview, views, self.runtime.trail, principal_of(request)
        )
        return await self.page(
            request, "sqladmin/index.html", groups=self.groups, counts=counts, recent=recent
        )


def _fetch_overview(
    session: Session, views: Sequence[ModelAdmin], trail: Trail | None, principal: Principal
) -> tuple[dict[str, Count], list[tuple[ModelAdmin, Event]]]:
    return _count_all(session, views), fetch_recent(session, trail, views, principal)


def _count_all(session: Session, views: Sequence[ModelAdmin]) -> dict[str, Count]:
    return {view.identity: count_rows(session, view, select_all(view)) for view in views}

"""The list of a view's rows, and what is done from it."""

from sqladmin.authentication import login_required
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from project.admin.lists.reading import fetch_list
from project.admin.pages import AdminPages, principal_of


class ListPages(AdminPages):
    """Lists."""

    def list_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        return [Route("/{identity}/list", self.list, name="list")]

    @login_required
    async def list(self, request: Request) -> Response:
        """Show a page of rows."""
        view = self.view_of(request, "view")
        page = await self.work.run(fetch_list, view, principal_of(request), request)
        return await self.page(request, view.list_template, model_view=view, page=page)

"""The first page: what there is, and what the apps say about how it goes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from loguru import logger
from sqladmin.authentication import login_required
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from project.admin.dashboard.panels import Panel
from project.admin.dashboard.theme import set_theme
from project.admin.history.reading import Event, fetch_recent
from project.admin.language import set_language
from project.admin.lists.counting import Count, count_rows
from project.admin.pages import NOT_PERMITTED, AdminPages, may, principal_of
from project.admin.sign_in_form import read_form, text_in
from project.admin.views import ModelAdmin
from project.trail import Trail
from project.web.principal import Principal


class Shown(NamedTuple):
    """A panel and what it says now."""

    panel: Panel
    content: Mapping[str, Any]
    has_failed: bool = False


class Overview(NamedTuple):
    """What the first page shows: how many rows there are, the panels, what was done lately."""

    counts: dict[str, Count]
    panels: list[Shown]
    recent: list[tuple[ModelAdmin, Event]]


class DashboardPages(AdminPages):
    """What staff see first."""

    panels: list[Panel]

    def dashboard_routes(self) -> list[BaseRoute]:
        """Name the pages of this room."""
        return [
            Route("/", self.index, name="index"),
            Route("/panels/{panel}", self.panel, name="panel"),
            Route("/theme", self.theme, name="theme", methods=["POST"]),
            Route("/language", self.language, name="language", methods=["POST"]),
        ]

    @login_required
    async def index(self, request: Request) -> Response:
        """Show what there is."""
        principal = principal_of(request)
        views = [view for view in self.model_views() if may(request, view, "view")]
        panels = [panel for panel in self.panels if principal.has_permission(panel.permission)]
        overview = await self.work.run(_read_overview, principal, views, panels, self.runtime.trail)
        return await self.page(
            request, "sqladmin/index.html", groups=self.groups, **overview._asdict()
        )

    @login_required
    async def panel(self, request: Request) -> Response:
        """Show one panel alone, for a page that brings itself up to date."""
        name = request.path_params["panel"]
        panel = next((panel for panel in self.panels if panel.name == name), None)
        if panel is None:
            raise HTTPException(404)
        if not principal_of(request).has_permission(panel.permission):
            raise HTTPException(403, NOT_PERMITTED)
        shown = await self.work.run(_read_panel, panel)
        return await self.page(request, "sqladmin/panels/alone.html", shown=shown, alone=True)

    async def language(self, request: Request) -> Response:
        """Choose the language of these pages, for this browser."""
        form = await read_form(request)
        response = RedirectResponse(self.sessions.local_target(form.get("next")), 303)
        code, is_secure = text_in(form, "language"), self.runtime.settings.is_deployed
        set_language(response, self.languages, code, is_secure=is_secure)
        return response

    async def theme(self, request: Request) -> Response:
        """Choose between light, dark and what the system says, for this browser."""
        form = await read_form(request)
        target = self.sessions.local_target(form.get("next"))
        response = RedirectResponse(target, 303)
        set_theme(response, text_in(form, "theme"), is_secure=self.runtime.settings.is_deployed)
        return response


def _read_panel(session: Session, panel: Panel) -> Shown:
    """Read a panel. One that fails takes nothing else of the page along; the log says where."""
    try:
        with session.begin_nested():
            return Shown(panel, panel.read(session))
    except Exception as error:  # noqa: BLE001 - whatever an app's panel may raise
        logger.opt(exception=error).error("The panel {} of the overview failed", panel.name)
        return Shown(panel, {}, has_failed=True)


def _read_overview(
    session: Session,
    principal: Principal,
    views: Sequence[ModelAdmin],
    panels: Sequence[Panel],
    trail: Trail | None,
) -> Overview:
    return Overview(
        counts={
            view.identity: count_rows(session, view, view.rows_for(principal, select(view.model)))
            for view in views
        },
        panels=[_read_panel(session, panel) for panel in panels],
        recent=fetch_recent(session, trail, views, principal),
    )

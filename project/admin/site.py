"""The admin at `/admin/`: SQLAdmin's declarations and names of routes, endpoints of our own."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from jinja2 import ChoiceLoader, FileSystemLoader
from sqladmin import BaseView, ModelView
from sqladmin.templating import Jinja2Templates
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ExceptionHandler

from project.admin.dashboard.model_docs import ModelDocPages
from project.admin.dashboard.pages import DashboardPages
from project.admin.dashboard.panels import adopt_panels
from project.admin.dashboard.theme import THEMES, theme_of
from project.admin.declaring import adopt
from project.admin.formats import display
from project.admin.guard import Guard, RefuseCrossSiteWrites
from project.admin.history.pages import HistoryPages
from project.admin.language import LanguageOfPerson, install_translation
from project.admin.lists.action_pages import ActionPages, actions_for
from project.admin.lists.editing_pages import EditingPages
from project.admin.lists.export_pages import ExportPages, may_export
from project.admin.lists.import_pages import ImportPages, may_import
from project.admin.objects.inline import adopt_inlines
from project.admin.objects.pages import ObjectPages
from project.admin.pages import list_address, may, path_to, principal_of, with_query
from project.admin.sessions import CookieSessions
from project.admin.sign_in_pages import SignInPages
from project.admin.sign_ins_pages import SignInsPages
from project.admin.views import ModelAdmin
from project.admin.work import AdminWork
from project.admin.zones import ZoneOfPerson, zone_name
from project.apps import AppConfig
from project.db.errors import diagnose
from project.errors import AppError, DomainError
from project.i18n import gettext, mark, noun
from project.i18n.catalogues import load_languages
from project.logging import request_id
from project.runtime import Runtime
from project.templating import TEMPLATE_FOLDER
from project.web.headers import csp_nonce
from project.web.second_factor import SecondFactor
from project.web.static import ProjectFiles, static_url

BASE_URL = "/admin"
ERROR_PAGE = "sqladmin/error.html"

PHRASES = (mark("Not Found"), mark("Method Not Allowed"), mark("Bad Request"))
"""What Starlette says by itself."""


def install_admin(app: FastAPI) -> None:
    """Mount the admin at `/admin`, unless no installed app says who may sign in."""
    runtime: Runtime = app.state.runtime
    if runtime.authenticator is None:
        return
    site = AdminSite(app, runtime)
    for config, module in runtime.registry.modules("admin"):
        views = getattr(module, "views", None)
        if not isinstance(views, tuple):
            raise AppError(f"App '{config.label}': admin.py must define `views = (…,)`, a tuple.")
        for view in views:
            site.register(config, view)
        declared = getattr(module, "panels", ())
        site.panels += adopt_panels(config, declared, runtime.permissions)
    site.seal()


class AdminSite(
    SignInPages,
    SignInsPages,
    DashboardPages,
    ModelDocPages,
    EditingPages,
    ActionPages,
    ExportPages,
    ImportPages,
    ObjectPages,
    HistoryPages,
):
    """SQLAdmin's site with its endpoints replaced.

    What is used of its private parts is pinned by tests/project/admin/test_contract.py.
    """

    def __init__(self, app: FastAPI, runtime: Runtime) -> None:
        self.runtime = runtime
        self.work = AdminWork(runtime)
        self.groups = {}
        self.panels = []
        self.extra_pages: list[BaseView] = []
        self.has_second_factor = isinstance(runtime.authenticator, SecondFactor)
        self.sessions = CookieSessions(runtime, self.work, BASE_URL)
        general = runtime.settings.general
        codes = dict.fromkeys([general.language_code, *general.languages])
        self.languages = load_languages(codes, runtime.registry.locale_folders())
        super().__init__(
            app,
            # Bound to nothing: what SQLAdmin would read or write behind our back fails.
            session_maker=sessionmaker(class_=Session),
            base_url=BASE_URL,
            title=runtime.settings.general.site_name,
            templates_dir=str(TEMPLATE_FOLDER),
            authentication_backend=self.sessions,
        )
        self.admin.router.routes = self._routes()
        self.admin.router.redirect_slashes = False  # `own_page_routes` would take any two words
        self.admin.state.runtime = runtime  # here, too, `runtime_of(request)` finds it
        self.admin.state.site = self

    def register(self, app: AppConfig, view: type[BaseView | ModelView]) -> None:
        """Add what an app declares. Raises AppError for what cannot work."""
        if not issubclass(view, ModelView):
            self.add_base_view(self._guard(view))
            self.extra_pages.append(self.views[-1])
            return
        adopted = adopt(view, app.label)
        if adopted.identity in {known.identity for known in self.views}:
            raise AppError(
                f"{view.__module__}.{view.__name__}: the admin has a '{adopted.identity}' already."
            )
        self.add_model_view(adopted)
        added = self.views[-1]
        assert isinstance(added, ModelAdmin)  # noqa: S101 - adopt() says so
        added.prepare_forms()
        added.inline_views = adopt_inlines(self, app.label, added)
        self.groups.setdefault(app.title or app.label, []).append(added)

    def _guard(self, view: type[BaseView]) -> type[BaseView]:
        """Let only those onto an app's own page who hold its `permission`; without: superusers.

        Raises AppError for a permission that no installed app has.
        """
        permission: str | None = getattr(view, "permission", None)
        place = f"{view.__module__}.{view.__name__}"
        if permission is not None:
            self.runtime.permissions.require(permission, place)

        def is_accessible(page: BaseView, request: Request) -> bool:
            principal = principal_of(request)
            is_held = permission is not None and principal.has_permission(permission)
            return (is_held or principal.is_superuser) and view.is_accessible(page, request)

        make: Any = type(view)
        attributes = {"__module__": view.__module__, "is_accessible": is_accessible}
        guarded: type[BaseView] = make(view.__name__, (view,), attributes)
        return guarded

    def seal(self) -> None:
        """Put our middleware around the routes, and nothing of Starlette's own.

        Its outermost layer would answer an unforeseen error in plain text; without it the
        application logs and answers that, as everywhere.
        """
        self.admin.router.routes += self.own_page_routes()  # after the pages that apps add
        handlers: Mapping[Any, ExceptionHandler] = {
            HTTPException: self._on_http_error,
            DomainError: self._on_domain_error,
            SQLAlchemyError: self._on_database_error,
        }
        guarded = RefuseCrossSiteWrites(self.admin.router)
        answering = ZoneOfPerson(ExceptionMiddleware(guarded, handlers))
        default = self.runtime.settings.general.language_code
        self.admin.middleware_stack = Guard(LanguageOfPerson(answering, self.languages, default))

    def init_templating_engine(self) -> Jinja2Templates:
        """Let apps override templates, too, and give the templates what ours use."""
        templates = super().init_templating_engine()
        folders = [str(folder) for folder in self.runtime.registry.template_folders()]
        loader = templates.env.loader
        assert isinstance(loader, ChoiceLoader)  # noqa: S101 - it is SQLAdmin's own
        first, *others = loader.loaders
        templates.env.loader = ChoiceLoader([first, FileSystemLoader(folders), *others])
        templates.env.trim_blocks = templates.env.lstrip_blocks = True
        install_translation(templates.env, self.languages)
        templates.env.auto_reload = not self.runtime.settings.is_deployed
        templates.env.globals.update(
            static_url=static_url,
            csp_nonce=csp_nonce,
            path_to=path_to,
            with_query=with_query,
            list_address=list_address,
            identity_of=self._identity_of,
            identity_to_add=self._identity_to_add,
            zone_name=zone_name,
            may=may,
            actions_for=actions_for,
            may_export=may_export,
            may_import=may_import,
            theme_of=theme_of,
            themes=THEMES,
            display=display,
            settings=self.runtime.settings,
        )
        return templates

    def _identity_of(self, request: Request, model: type) -> str | None:
        """Return where rows of this model are shown, if the admin shows it to whoever asks."""
        views = (view for view in self.model_views() if view.model is model)
        return next((view.identity for view in views if may(request, view, "view")), None)

    def _identity_to_add(self, request: Request, model: type) -> str | None:
        """Return where rows of this model are added, if whoever asks may add some."""
        views = (view for view in self.model_views() if view.model is model)
        return next((view.identity for view in views if may(request, view, "add")), None)

    def name_of_model(self, model: type) -> str:
        """Return what people call a row of a model."""
        views = (view.name for view in self.model_views() if view.model is model)
        return noun(next(views, model.__name__))

    def _routes(self) -> list[BaseRoute]:
        """Name what is answered. SQLAdmin's file download is not here."""
        return [
            Mount("/statics", app=ProjectFiles(packages=["sqladmin"]), name="statics"),
            *self.dashboard_routes(),
            *self.model_doc_routes(),
            *self.sign_in_routes(),
            *self.sign_ins_routes(),
            *self.list_routes(),
            *self.editing_routes(),
            *self.action_routes(),
            *self.export_routes(),
            *self.import_routes(),
            *self.object_routes(),
            *self.history_routes(),
        ]

    async def _on_http_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
        is_bare = error.detail == HTTPStatus(error.status_code).phrase  # `Not Found`, Starlette's
        sentence = error.detail.capitalize() if is_bare else error.detail
        response = await self._error_page(request, error.status_code, sentence)
        response.headers.update(error.headers or {})
        return response

    async def _on_domain_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, DomainError)  # noqa: S101 - the same
        response = await self._error_page(request, error.status, error.detail)
        response.headers.update(error.headers)
        return response

    async def _on_database_error(self, request: Request, error: Exception) -> Response:
        diagnosis = diagnose(error)
        if diagnosis is None:
            raise error
        return await self._on_domain_error(request, diagnosis.error)

    async def _is_inside(self, request: Request, status: int) -> bool:
        """Whether the page has a menu: for whoever is signed in, unless the server is in need."""
        if status not in {403, 404}:
            return False
        if getattr(request.state, "principal", None) is None:
            request.state.principal = await self.sessions.find_principal(request)
        return request.state.principal is not None

    async def _error_page(self, request: Request, status: int, sentence: str) -> Response:
        return await self.page(
            request,
            "sqladmin/error_inside.html" if await self._is_inside(request, status) else ERROR_PAGE,
            status,
            status_code=status,
            message=gettext(sentence),
            request_id=request_id.get() or "",
        )

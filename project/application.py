"""The application, put together: read it as a table of contents."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.cors import CORSMiddleware

from project import __version__
from project.admin.site import install_admin
from project.app_settings import SettingsOfApps
from project.apps import AppConfig, Registry
from project.db.feeds import Feeds
from project.db.session import Database
from project.errors import AppError
from project.logging import configure_logging
from project.mail.mailers import create_mailer
from project.mail.outbox import Outbox
from project.metrics import routes as metrics_routes
from project.metrics.counting import Metrics
from project.permissions import Permissions
from project.reporting import report_errors
from project.runtime import Runtime
from project.settings import ENV_FILE, INSTALLED_APPS, Settings
from project.storage import create_storage
from project.telemetry import configure_telemetry, is_exporting, trace_statements
from project.templating import create_templates
from project.trail import Trail
from project.web import home
from project.web.costs import ServerTiming, count_queries
from project.web.dispatch import index_routes
from project.web.docs import mount_docs
from project.web.entrance import Entrance
from project.web.gate import Gate
from project.web.headers import ProtectiveHeaders
from project.web.lanes import Lanes, build_lanes
from project.web.lifespans import entered
from project.web.loop_guard import guarded
from project.web.middleware import (
    REQUEST_ID_HEADER,
    RequestContext,
    UnforeseenErrors,
)
from project.web.openapi import document_problems
from project.web.permissions import refuse_unknown_permissions
from project.web.principal import Authenticator
from project.web.problems import install_error_handlers
from project.web.read_your_writes import HEADER as READ_AFTER_HEADER
from project.web.read_your_writes import ReadTokens, ReadYourWrites
from project.web.replica import ReplicaReads
from project.web.shutdown import called_at_shutdown
from project.web.static import mount_static
from project.web.throttling import Limiter
from project.web.timeouts import RequestTimeouts
from project.web.versions import install_unversioned, install_versions, refuse_unknown_lanes
from project.web.vitals import Vitals

OPENAPI_URL = "/api/openapi.json"
API_DESCRIPTION = """
Lists answer `items` and `next_cursor`: pass it as `cursor` to get the next page. Errors are
`application/problem+json` with a stable `code`; quote the `request_id` when you report one.
"""


def create_application(
    settings: Settings,
    *,
    database: Database | None = None,
    installed_apps: tuple[str, ...] = INSTALLED_APPS,
    env_file: Path | None = ENV_FILE,
) -> FastAPI:
    """Build the application from its settings; `database` replaces the configured one.

    The apps' own settings are read here, from the environment and `env_file`.
    """
    configure_logging(settings)
    report_errors(settings)
    registry = Registry.load(installed_apps)
    registry.import_models()
    has_docs = settings.environment != "production"
    metrics = Metrics(settings.metrics.directory)
    vitals = Vitals(on_lag=metrics.observe_lag)
    app = FastAPI(
        title=settings.general.site_name,
        version=__version__,
        description=API_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        middleware=_middleware(settings, vitals, metrics),
        lifespan=_lifespan,
        telemetry=configure_telemetry(),
    )
    database = database or Database.from_settings(settings)
    app_settings = SettingsOfApps.load(registry, env_file=env_file)
    app.state.runtime = create_runtime(
        settings, app_settings, registry, database, vitals=vitals, metrics=metrics
    )
    install_error_handlers(app)
    install_versions(app, registry)
    install_unversioned(app, registry)
    refuse_unknown_lanes(app, app.state.runtime.lanes)
    refuse_unknown_permissions(app, app.state.runtime.permissions)
    app.include_router(home.router)
    app.include_router(metrics_routes.router)
    mount_static(app)
    install_admin(app)
    document_problems(app)
    if has_docs:
        mount_docs(app, openapi_url=OPENAPI_URL)
    index_routes(app)
    return app


def create_runtime(
    settings: Settings,
    app_settings: SettingsOfApps,
    registry: Registry,
    database: Database,
    *,
    vitals: Vitals,
    metrics: Metrics,
) -> Runtime:
    """Put together what a process holds while it runs: the application's, or a worker's."""
    async_gate = _async_gate(settings)
    async_database = database.open_asynchronous(settings.database, async_gate)
    lanes = build_lanes(settings, registry)
    replica = _replica_reads(settings, lanes, metrics)
    engines = [database.engine, async_database.engine.sync_engine]
    engines += [replica.replica.engine] if replica else []
    count_queries(*engines)
    if is_exporting():
        trace_statements(*engines)
    mailer = create_mailer(settings)
    return Runtime(
        settings=settings,
        app_settings=app_settings,
        registry=registry,
        permissions=Permissions.of(registry),
        database=database,
        async_database=async_database,
        replica=replica,
        lanes=lanes,
        async_gate=async_gate,
        feeds=Feeds(async_database),
        storage=create_storage(settings),
        mailer=mailer,
        outbox=Outbox(mailer),
        templates=create_templates(settings, registry),
        vitals=vitals,
        metrics=metrics,
        authenticator=find_authenticator(registry),
        limiter=find_limiter(registry, settings, app_settings),
        trail=find_trail(registry),
    )


def _replica_reads(settings: Settings, lanes: Lanes, metrics: Metrics) -> ReplicaReads | None:
    if not settings.replica.url:
        return None
    return ReplicaReads(settings, lanes, on_lag=metrics.observe_replica_lag)


def _read_your_writes(settings: Settings) -> list[Middleware]:
    if not settings.replica.url:
        return []
    tokens = ReadTokens(settings.secret_keys, max_lag=settings.replica.max_lag)
    return [Middleware(ReadYourWrites, tokens=tokens)]


def _async_gate(settings: Settings) -> Gate:
    database = settings.database
    return Gate(
        "async",
        size=database.async_pool_size,
        queue_size=database.queue_size,
        queue_timeout=database.queue_timeout,
    )


def find_authenticator(registry: Registry) -> Authenticator | None:
    """Return what the one installed app with an `identity.py` offers, if there is one."""
    app, module = _only_one(registry, "identity", "say who signs in")
    if module is None:
        return None
    authenticator = getattr(module, "authenticator", None)
    if not isinstance(authenticator, Authenticator):
        raise AppError(f"App '{app.label}': identity.py must define `authenticator`.")
    return authenticator


def find_limiter(
    registry: Registry, settings: Settings, app_settings: SettingsOfApps
) -> Limiter | None:
    """Return what the one installed app with a `limiter.py` makes, if there is one."""
    app, module = _only_one(registry, "limiter", "count requests")
    if module is None:
        return None
    create_limiter = getattr(module, "create_limiter", None)
    if not callable(create_limiter):
        raise AppError(f"App '{app.label}': limiter.py must define `create_limiter`.")
    limiter: Limiter | None = create_limiter(settings, app_settings)
    return limiter


def find_trail(registry: Registry) -> Trail | None:
    """Return what the one installed app with a `trail.py` offers, if there is one."""
    app, module = _only_one(registry, "trail", "keep the history of changes")
    if module is None:
        return None
    trail = getattr(module, "trail", None)
    if not isinstance(trail, Trail):
        raise AppError(f"App '{app.label}': trail.py must define `trail`.")
    return trail


def _only_one(registry: Registry, name: str, task: str) -> tuple[AppConfig, ModuleType | None]:
    found = list(registry.modules(name))
    if len(found) > 1:
        labels = " and ".join(app.label for app, _ in found)
        raise AppError(f"Only one app may {task}, but {labels} have an {name}.py.")
    return found[0] if found else (AppConfig(label=""), None)


def _middleware(settings: Settings, vitals: Vitals, metrics: Metrics) -> list[Middleware]:
    """List what every request passes, outermost first."""
    return [
        Middleware(
            RequestContext, headers=ProtectiveHeaders(settings), vitals=vitals, metrics=metrics
        ),
        *([Middleware(ServerTiming)] if settings.has_server_timing else []),
        Middleware(Entrance, settings=settings),
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.web.allowed_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "If-None-Match",
                READ_AFTER_HEADER,
            ],
            expose_headers=[
                REQUEST_ID_HEADER,
                "ETag",
                "Idempotency-Replayed",
                "RateLimit",
                "RateLimit-Policy",
                READ_AFTER_HEADER,
                "Retry-After",
            ],
        ),
        Middleware(UnforeseenErrors),
        *_read_your_writes(settings),
        Middleware(RequestTimeouts, seconds=settings.web.request_timeout),
        Middleware(RequestBodyLimitMiddleware, max_body_size=settings.web.max_body_size),
    ]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    runtime: Runtime = app.state.runtime

    def begin_to_end() -> None:
        runtime.vitals.is_ending = True
        runtime.feeds.end_all()

    with guarded(runtime.settings), called_at_shutdown(begin_to_end):
        async with (
            runtime.vitals.watching_loop(),
            _watching_replica(runtime),
            entered(runtime) as state,
            runtime.metrics.sharing(runtime),
        ):
            yield state
    await runtime.feeds.close()
    await runtime.async_database.close()
    runtime.lanes.close()
    await asyncio.to_thread(runtime.outbox.close)
    runtime.storage.close()
    await asyncio.to_thread(runtime.database.close)


def _watching_replica(runtime: Runtime) -> AbstractAsyncContextManager[None]:
    if runtime.replica is None:
        return nullcontext()
    return runtime.replica.watching(runtime.database.engine)

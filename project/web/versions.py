"""The API's versions: each gathers the routers of all apps under its own prefix."""

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts

from project.apps import Registry
from project.errors import AppError
from project.web.lanes import Lanes

VERSIONS = ("v1", "v2")


def install_versions(app: FastAPI, registry: Registry) -> None:
    """Mount every app's `api/<version>.py` under `/api/<version>`.

    Each step has a prefix of its own: without one FastAPI looks for empty paths, and for that
    analyses every route of the router once more.
    """
    for version in VERSIONS:
        gathered = APIRouter()
        for router in _routers(registry, f"api.{version}"):
            gathered.include_router(router, prefix=f"/{version}")
        app.include_router(gathered, prefix="/api")


def install_unversioned(app: FastAPI, registry: Registry) -> None:
    """Mount every app's `routes.py`, pages and probes, at the root."""
    for router in _routers(registry, "routes"):
        app.include_router(router)


def refuse_unknown_lanes(app: FastAPI, lanes: Lanes) -> None:
    """Raise AppError for a route that is declared in a lane that does not exist."""
    known = {lane.name for lane in lanes}
    for context in iter_route_contexts(app.routes):
        name = getattr(context.original_route, "lane_name", None)
        if name is not None and name not in known:
            raise AppError(
                f"The route {context.path} is declared in the lane '{name}': no such lane."
            )


def _routers(registry: Registry, module_name: str) -> list[APIRouter]:
    found = []
    for app, module in registry.modules(module_name):
        router = getattr(module, "router", None)
        if not isinstance(router, APIRouter):
            raise AppError(f"App '{app.label}': {module.__name__} must define `router`.")
        found.append(router)
    return found

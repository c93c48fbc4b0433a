"""The API's versions: each gathers the routers of all apps under its own prefix."""

from fastapi import APIRouter, FastAPI

from project.apps import Registry
from project.errors import AppError

VERSIONS = ("v1", "v2")


def install_versions(app: FastAPI, registry: Registry) -> None:
    """Mount every app's `api/<version>.py` under `/api/<version>`."""
    for version in VERSIONS:
        gathered = APIRouter(prefix=f"/api/{version}")
        for router in _routers(registry, f"api.{version}"):
            gathered.include_router(router)
        app.include_router(gathered)


def install_unversioned(app: FastAPI, registry: Registry) -> None:
    """Mount every app's `routes.py`, pages and probes, at the root."""
    for router in _routers(registry, "routes"):
        app.include_router(router)


def _routers(registry: Registry, module_name: str) -> list[APIRouter]:
    found = []
    for app, module in registry.modules(module_name):
        router = getattr(module, "router", None)
        if not isinstance(router, APIRouter):
            raise AppError(f"App '{app.label}': {module.__name__} must define `router`.")
        found.append(router)
    return found

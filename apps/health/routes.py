"""Probes for orchestrators, outside the versions of the API."""

from fastapi import Request, Response

from apps.health.probe import is_ready
from project.runtime import runtime_of
from project.web.route import Router

router = Router(prefix="/health", tags=["health"])


@router.get("/live")
async def live() -> dict[str, str]:
    """The process runs and its event loop turns. Looks at nothing else."""
    return {"status": "alive"}


@router.get("/ready")
async def ready(request: Request, response: Response) -> dict[str, str]:
    """The service may get traffic: the database answers and is migrated. Otherwise 503.

    So says a server that has been told to end, too.
    """
    response.headers["Cache-Control"] = "no-store"
    if await is_ready(runtime_of(request)):
        return {"status": "ready"}
    response.status_code = 503
    return {"status": "not ready"}

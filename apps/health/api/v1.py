from typing import Literal

from fastapi import Request, Response

from apps.health.probe import is_database_reachable
from project.runtime import runtime_of
from project.web.route import Router
from project.web.schemas import Schema

router = Router(tags=["health"])


class Health(Schema):
    status: Literal["healthy", "unhealthy"]
    database: Literal["ok", "unreachable"]


@router.get("/health", responses={503: {"model": Health}})
async def read_health(request: Request, response: Response) -> Health:
    """Whether the service works: 200 with its database, 503 without."""
    response.headers["Cache-Control"] = "no-store"
    if await is_database_reachable(runtime_of(request)):
        return Health(status="healthy", database="ok")
    response.status_code = 503
    return Health(status="unhealthy", database="unreachable")

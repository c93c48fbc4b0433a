"""`/metrics`, for collectors. It asks neither a lane nor the database, so it answers when they
are what is wrong."""

import asyncio
from secrets import compare_digest

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from project.errors import Unauthenticated
from project.metrics.readings import Readings
from project.runtime import runtime_of
from project.settings import Settings
from project.web.route import Router

router = Router(include_in_schema=False)


@router.get("/metrics")
async def read_metrics(request: Request) -> Response:
    """What all workers of this server have counted, for whoever knows METRICS_TOKEN.

    Without a token it is open in development, and deployed not there.
    """
    runtime = runtime_of(request)
    _let_in(request, runtime.settings)
    readings = await runtime.metrics.read(runtime)
    return await asyncio.to_thread(_render, readings, request.headers.get("accept", ""))


def _let_in(request: Request, settings: Settings) -> None:
    token = settings.metrics.token
    if token is None:
        if settings.is_deployed:
            raise HTTPException(404)
        return
    expected = f"Bearer {token.get_secret_value()}".encode()
    if not compare_digest(request.headers.get("authorization", "").encode(), expected):
        raise Unauthenticated("Send METRICS_TOKEN: `Authorization: Bearer …`.")


def _render(readings: Readings, accept: str) -> Response:
    # Nobody else needs the library, which would make every start longer.
    from project.metrics.exposition import expose  # noqa: PLC0415

    content, media_type = expose(readings, accept)
    headers = {"Content-Type": media_type, "Cache-Control": "no-store"}
    return Response(content, headers=headers)

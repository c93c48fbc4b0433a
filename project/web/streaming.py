"""Streams: what they need is read before the first byte, and they hold nothing afterwards.

    @router.get("/{order_id}/events", response_class=EventSourceResponse)
    async def order_events(order_id: WatchedOrder) -> AsyncIterator[ServerSentEvent]: ...

The providers of an `async def` route that yields run in one short session on the async side,
which is over before the stream begins: a refusal is a status, not an event, and no client that
reads slowly keeps a connection. What providers return has to be readable without a session.

FastAPI drops a generator whose client has gone wherever it stands. Here it is closed in the
order in which everything else of the request ends, so that its own `async with` blocks end.
"""

import inspect
import random
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

from anyio import BrokenResourceError
from fastapi import Depends, Request

from project.runtime import runtime_of
from project.web.transaction import Call, Function, Resolution, name_of

REQUEST = "_request"
STREAM = "_stream"
RECONNECT = (1000, 3000)


def reconnect_delay() -> int:
    """Choose the milliseconds for `retry:`, so that not all clients come back at one moment."""
    return random.randint(*RECONNECT)  # noqa: S311 - no secret


def stream_after_reading(call: Call) -> Function:
    """Wrap an async generator: FastAPI gets to see a stream and the dependency that starts it."""
    parameters = call.request_parameters()
    request_name = name_of(Request, parameters, REQUEST)

    async def start(**values: Any) -> AsyncIterator[AsyncGenerator[Any]]:
        stream = call.function(**await _read(call, values[request_name], values))
        try:
            yield stream
        finally:
            await stream.aclose()

    async def endpoint(**values: Any) -> AsyncIterator[Any]:
        async for item in values[STREAM]:
            yield item

    started = Annotated[Any, Depends(call.disguise(start, parameters))]
    parameter = inspect.Parameter(STREAM, inspect.Parameter.KEYWORD_ONLY, annotation=started)
    return call.disguise(endpoint, {STREAM: parameter})


def is_unread(error: Exception) -> bool:
    """Whether all that went wrong is that a client went before it had read everything.

    FastAPI 0.165 closes the receiving end of a stream of events before it stops the task that
    still has one to send, and takes the outcome for an error.
    """
    if isinstance(error, ExceptionGroup):
        return all(map(is_unread, error.exceptions))
    return isinstance(error, BrokenResourceError)


async def _read(call: Call, request: Request, values: dict[str, Any]) -> dict[str, Any]:
    """Make the arguments of the stream, providers' included."""
    overrides = request.app.dependency_overrides
    if not call.provided:
        return Resolution(None, values, overrides).arguments(call)
    async with runtime_of(request).async_database.reading() as session:
        resolution = Resolution(session.sync_session, values, overrides)
        return await session.run_sync(lambda _: resolution.arguments(call))

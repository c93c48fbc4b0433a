"""What apps begin with the server and end with it: `<app>/lifespan.py`.

@asynccontextmanager
async def lifespan(runtime: Runtime) -> AsyncIterator[dict[str, Any]]:
    async with connect_to_broker() as broker:
        yield {"broker": broker}  # request.state.broker
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from project.errors import AppError
from project.runtime import Runtime


@asynccontextmanager
async def entered(runtime: Runtime) -> AsyncIterator[dict[str, Any]]:
    """Enter the lifespans of all apps in their order; leave them in the opposite one.

    What they yield, a mapping or nothing, is every request's `state`. One that cannot begin
    ends the start, and those before it are left first. Raises AppError for a `lifespan.py`
    without `lifespan`, one that fails to begin, and two that yield the same name.
    """
    state: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        for app, module in runtime.registry.modules("lifespan"):
            lifespan = getattr(module, "lifespan", None)
            if not callable(lifespan):
                raise AppError(f"App '{app.label}': {module.__name__} must define `lifespan`.")
            try:
                yielded = await stack.enter_async_context(lifespan(runtime)) or {}
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                raise AppError(f"App '{app.label}': its lifespan fails: {reason}") from error
            taken = sorted(state.keys() & yielded.keys())
            if taken:
                raise AppError(f"App '{app.label}': another app's lifespan yields '{taken[0]}'.")
            state.update(yielded)
        yield state

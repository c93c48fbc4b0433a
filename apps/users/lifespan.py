import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.users.key_use import keep_writing, stop_writing
from project.runtime import Runtime


@asynccontextmanager
async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
    """Write down when API keys were used, as long as the server runs."""
    task = asyncio.create_task(keep_writing(runtime))
    try:
        yield
    finally:
        await stop_writing(task, runtime)

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from project.runtime import Runtime


@asynccontextmanager
async def lifespan(_: Runtime) -> AsyncIterator[dict[str, Any]]:
    yield {"blog_greeting": "The blog is open."}

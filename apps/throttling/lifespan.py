"""Ends what is still being asked when the server ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.throttling.limiter import BucketLimiter
from project.runtime import Runtime


@asynccontextmanager
async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
    yield
    if isinstance(runtime.limiter, BucketLimiter):
        await runtime.limiter.close()

"""Begins to beat with the server, and ends with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from apps.monitoring.heartbeat import Heart
from apps.monitoring.settings import MonitoringSettings
from project.runtime import Runtime

USUAL = 5.0


def seconds_between_beats(runtime: Runtime) -> float:
    """Return how often a worker of this server gives a sign of life; 0 for never."""
    own = runtime.app_settings.of(MonitoringSettings).heartbeat
    if own is not None:
        return own
    return 0.0 if runtime.settings.environment == "test" else USUAL


@asynccontextmanager
async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
    seconds = seconds_between_beats(runtime)
    if not seconds:
        yield
        return
    heart = Heart(runtime, seconds)
    beating = asyncio.create_task(heart.beat_on(), name="heartbeat")
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        await heart.retire()

"""A server that goes on for a moment when it is told to end, so that nobody is refused.

Whoever sends requests here learns from `/health/ready` that it shall stop, and learns it a moment
after SIGTERM at best. uvicorn closes its listener at once: what comes within that moment is lost.
"""

import asyncio
import signal
import socket
from types import FrameType

import uvicorn

LOOK = 0.05
"""Seconds between looks whether somebody is in a hurry."""


class LingeringServer(uvicorn.Server):
    """Takes new connections for `delay` seconds after SIGTERM; SIGINT is a person, who waits."""

    def __init__(self, config: uvicorn.Config, delay: float = 0.0) -> None:
        super().__init__(config)
        self.delay = delay
        self._was_terminated = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._was_terminated = self._was_terminated or sig == signal.SIGTERM
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.linger()
        await super().shutdown(sockets)

    async def linger(self) -> None:
        """Go on as ever for the delay, if it was SIGTERM; a second signal ends the wait."""
        loop = asyncio.get_running_loop()
        end = loop.time() + (self.delay if self._was_terminated else 0)
        while loop.time() < end and not self.force_exit:  # noqa: ASYNC110 - set by a signal
            await asyncio.sleep(LOOK)

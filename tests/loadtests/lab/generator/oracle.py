"""A server whose waits are known beforehand, to hold a load generator against.

python -m tests.loadtests.lab.generator.oracle PORT ADDRESS

/stall     answers at once, but not in the last second of every five: then at its end
/queue     serves one after the other, 100 ms each
/refuse    answers every second request with 503, at once, and the others after 50 ms
/counts    how many requests each path had
/hang      never answers
"""

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import uvicorn

from loadtests.scenario import Scenario, Visitor, journey

SERVICE = 0.1
PERIOD, STALL = 5.0, 1.0


class Oracle:
    """The server, as an ASGI application."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.free_at = 0.0
        self.began: float | None = None

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        status = 200
        if path != "/counts":
            self.counts[path] += 1
            status = await getattr(self, f"_{path[1:]}")()
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(self.counts).encode()})

    async def _stall(self) -> int:
        now = asyncio.get_running_loop().time()
        self.began = self.began or now
        phase = (now - self.began) % PERIOD
        if phase > PERIOD - STALL:
            await asyncio.sleep(PERIOD - phase)
        return 200

    async def _queue(self) -> int:
        """Serve when all before have been served; nobody's clock runs late by more than one."""
        now = asyncio.get_running_loop().time()
        self.free_at = max(self.free_at, now) + SERVICE
        await asyncio.sleep(self.free_at - now)
        return 200

    async def _refuse(self) -> int:
        if self.counts["/refuse"] % 2:
            return 503
        await asyncio.sleep(0.05)
        return 200

    async def _hang(self) -> int:
        await asyncio.sleep(3600)
        return 200


class Stalled(Scenario):
    """Asks the server that stalls."""

    @journey()
    def ask(self, visitor: Visitor) -> None:
        visitor.get("/stall")


class Queued(Scenario):
    """Asks the server that serves one after the other."""

    @journey()
    def ask(self, visitor: Visitor) -> None:
        visitor.get("/queue")


class Refused(Scenario):
    """Asks the server that is busy half of the time."""

    @journey()
    def ask(self, visitor: Visitor) -> None:
        visitor.get("/refuse")


class Hung(Scenario):
    """Asks the server that never answers."""

    @journey()
    def ask(self, visitor: Visitor) -> None:
        visitor.get("/hang")


class Mistaken(Scenario):
    """Has a mistake of its own."""

    @journey()
    def ask(self, visitor: Visitor) -> None:
        visitor.get("/refuse", expect=(200, 503))["items"]


if __name__ == "__main__":
    uvicorn.run(
        Oracle(), host=sys.argv[2], port=int(sys.argv[1]), log_level="error", access_log=False
    )

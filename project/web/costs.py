"""What a request costs, for the person who writes it: the `Server-Timing` header.

    Server-Timing: db;dur=1.9;desc="2 queries", lane;dur=0.0, app;dur=3.1, total;dur=5.0

A browser's developer tools show it. `db` is the time in SQL, `lane` the wait for a thread, `app`
the rest, all in milliseconds until the answer begins. Development only, unless SERVER_TIMING
says otherwise: it would tell strangers how long what takes. The access log counts along: number of
queries, wait for a lane, whose request it was.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, Engine, event
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "Server-Timing"
STARTED = "lintel_statement_started"
COSTS = "lintel.costs"
"""Where a request's scope holds them, for layers around the application."""


@dataclass
class Costs:
    """Of one request so far, in all its hops; times in seconds."""

    queries: int = 0
    database: float = 0.0
    lane_wait: float = 0.0
    user_id: int | None = None
    """Whose request it is, once that is known."""

    def describe(self, total: float) -> str:
        """Write the header; `total` is in seconds."""
        app = max(0.0, total - self.database - self.lane_wait)
        queries = f"{self.queries} {'query' if self.queries == 1 else 'queries'}"
        return (
            f'db;dur={self.database * 1000:.1f};desc="{queries}", '
            f"lane;dur={self.lane_wait * 1000:.1f}, app;dur={app * 1000:.1f}, "
            f"total;dur={total * 1000:.1f}"
        )


current_costs: ContextVar[Costs | None] = ContextVar("current_costs", default=None)
"""Of the request that is being answered, in every lane and task of it; None outside of one."""


class ServerTiming:
    """Sends each answer with what it has cost."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        costs, began = current_costs.get() or Costs(), perf_counter()

        async def send_with_costs(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = costs.describe(perf_counter() - began)
            await send(message)

        token = current_costs.set(costs)
        try:
            await self.app(scope, receive, send_with_costs)
        finally:
            current_costs.reset(token)


def note_user(user_id: int) -> None:
    """Remember whose request it is."""
    if (costs := current_costs.get()) is not None:
        costs.user_id = user_id


def count_queries(*engines: Engine) -> None:
    """Let the engines' statements count for the request that runs them; once per engine."""
    for engine in engines:
        if not event.contains(engine, "before_cursor_execute", _begin):
            event.listen(engine, "before_cursor_execute", _begin)
            event.listen(engine, "after_cursor_execute", _end)


def _begin(connection: Connection, *_: Any) -> None:
    if current_costs.get() is not None:
        connection.info[STARTED] = perf_counter()


def _end(connection: Connection, *_: Any) -> None:
    costs = current_costs.get()
    if costs is not None and STARTED in connection.info:
        costs.queries += 1
        costs.database += perf_counter() - connection.info.pop(STARTED)

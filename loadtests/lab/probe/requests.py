"""What requests cost, by route: their time, their statements, their wait for a lane."""

from collections import defaultdict
from threading import Lock
from time import perf_counter
from typing import Any

from sqlalchemy import Engine
from starlette.types import ASGIApp, Receive, Scope, Send

from project.web.costs import COSTS, Costs, count_queries, current_costs
from project.web.middleware import route_template

UNKNOWN = "(no route)"


def count_all_queries() -> None:
    """Let the statements of every engine count, whoever makes it and whenever."""
    every_engine: Any = Engine  # SQLAlchemy takes the class for all its instances
    count_queries(every_engine)


class Requests:
    """Counters of one worker. Requests are counted on the event loop, read in another thread."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.started = 0
        self.finished = 0
        self.seconds = 0.0
        self.sql_seconds = 0.0
        self.statements = 0
        self.lane_seconds = 0.0
        self._routes: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._turn = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        costs, began = Costs(), perf_counter()
        self.started += 1
        token = current_costs.set(costs)
        try:
            await self.app(scope, receive, send)
        finally:
            current_costs.reset(token)
            self._count(scope, scope.get(COSTS, costs), perf_counter() - began)

    @property
    def in_flight(self) -> int:
        return self.started - self.finished

    def totals(self) -> dict[str, float]:
        """Everything since the start, as it is written down."""
        return {
            "requests": self.finished,
            "request_seconds": self.seconds,
            "sql_seconds": self.sql_seconds,
            "statements": self.statements,
            "lane_seconds": self.lane_seconds,
        }

    def take_routes(self) -> dict[str, list[int]]:
        """By route how many requests and statements there were since the last time."""
        with self._turn:
            taken, self._routes = self._routes, defaultdict(lambda: [0, 0])
        return taken

    def _count(self, scope: Scope, costs: Costs, seconds: float) -> None:
        self.finished += 1
        self.seconds += seconds
        self.sql_seconds += costs.database
        self.statements += costs.queries
        self.lane_seconds += costs.lane_wait
        name = f"{scope['method']} {route_template(scope) or UNKNOWN}"
        with self._turn:
            entry = self._routes[name]
            entry[0] += 1
            entry[1] += costs.queries

"""Print what metrics and the log cost a request: one application with and without, in turns.

python loadtests/bench_request.py [--rounds 100] [--requests 50]

Calls the application itself, without a server or a client, so that microseconds can be seen. What
is counted and logged is the same for every route. The log is production's, written to nowhere.
"""

import argparse
import asyncio
import os
import statistics
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fastapi import FastAPI

from loadtests.servers import own_database
from project.application import create_application
from project.logging import configure_logging
from project.settings import LoggingSettings, Settings, load_settings
from project.web import middleware
from project.web.middleware import RequestContext

Switch = Callable[[], None]
PATH = b"/health/live"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the metrics.")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--requests", type=int, default=50)
    options = parser.parse_args()
    settings = load_settings()
    with own_database("bench_lintel_request") as url:
        address = url.render_as_string(hide_password=False)
        database = settings.database.model_copy(update={"url": address})
        app = create_application(settings.model_copy(update={"database": database}))
        configure_logging(_deployed(settings))
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            asyncio.run(_compare(app, PATH, options.rounds, options.requests))


def _deployed(settings: Settings) -> Settings:
    return settings.model_copy(update={"logging": LoggingSettings(format="json")})


async def _compare(app: FastAPI, path: bytes, rounds: int, requests: int) -> None:
    await _cost(app, path, requests)
    layer = _outermost(app)
    for name, switches in (("metrics", _metrics(layer)), ("a line of the log", _log())):
        pairs = []
        for number in range(rounds):
            costs: dict[Switch, float] = {}
            for switch in switches[:: 1 if number % 2 else -1]:
                switch()
                costs[switch] = await _cost(app, path, requests)
            pairs.append((costs[switches[0]], costs[switches[1]]))
        switches[0]()
        _report(path, name, pairs)


def _metrics(layer: RequestContext) -> tuple[Switch, Switch]:
    kept = (layer.metrics, layer.vitals)

    def with_metrics() -> None:
        layer.metrics, layer.vitals = kept

    def without() -> None:
        layer.metrics = layer.vitals = None

    return with_metrics, without


def _log() -> tuple[Switch, Switch]:
    """Logging is switched off at its very beginning: what remains is to find the route's name."""
    exchange: Any = middleware._Exchange  # noqa: SLF001 - a benchmark of what is inside
    kept = exchange.log

    def find_route(self: Any) -> None:
        self.route = middleware.route_template(self.scope)

    def with_log() -> None:
        exchange.log = kept

    def without() -> None:
        exchange.log = find_route

    return with_log, without


def _report(path: bytes, name: str, pairs: list[tuple[float, float]]) -> None:
    rounds = len(pairs)
    differences = sorted(one - other for one, other in pairs)
    plain = statistics.median(other for _, other in pairs)
    print(
        f"{path.decode()}: {plain:.0f} µs a request without, "
        f"with {name} {statistics.median(differences):+.1f} "
        f"(half of them from {differences[rounds // 4]:+.1f} to {differences[-rounds // 4]:+.1f}, "
        f"{rounds} pairs)"
    )


def _outermost(app: FastAPI) -> RequestContext:
    layer: Any = app.middleware_stack
    while not isinstance(layer, RequestContext):
        layer = layer.app
    return layer


async def _cost(app: FastAPI, path: bytes, requests: int) -> float:
    """Return the median of the microseconds that a request takes."""
    taken = []
    for _ in range(requests):
        began = perf_counter()
        await app(_scope(path), _receive, _send)
        taken.append(perf_counter() - began)
    return statistics.median(taken) * 1e6


def _scope(path: bytes) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path.decode(),
        "raw_path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_message: Any) -> None:
    """Take the answer, and do nothing with it."""


if __name__ == "__main__":
    main()

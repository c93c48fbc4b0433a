"""Runs one shape in-process, for a count of instructions that no busy machine changes.

    python -m loadtests.law.instructions COUNT '{"shape": "ours", "token": "…", …}'

The parent runs it twice under `valgrind --tool=callgrind`; the difference of the two, over the
difference of their counts, is what one request takes, server threads included. It prints the
thread hops that the last request made.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import anyio.to_thread

ERROR = 400
hops = 0


def count_hops() -> None:
    """Count every hand-over to a thread, by whichever way."""

    def counting(function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            global hops  # noqa: PLW0603 - this process does nothing else
            hops += 1
            return function(*arguments, **options)

        return counted

    for place, name in ((anyio.to_thread, "run_sync"), (ThreadPoolExecutor, "submit")):
        setattr(place, name, counting(getattr(place, name)))


async def ask(app: Any, scope: dict[str, Any], body: bytes) -> int:
    """Make one request and return its status."""
    status = 0
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if pending:
            return pending.pop()
        await asyncio.Event().wait()  # the client stays
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    await app({**scope, "state": {}}, receive, send)
    return status


async def main(count: int, *, shape: str, token: str, method: str, path: str, body: str) -> None:
    """Make as many requests, one after the other."""
    count_hops()
    app = import_module(f"loadtests.law.shapes.{shape}").app
    path, _, query = path.partition("?")
    headers = {
        "host": "localhost",
        "authorization": f"Bearer {token}",
        "accept": "*/*",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    before = hops
    for _ in range(count):
        before = hops
        status = await ask(app, scope, body.encode())
        if status >= ERROR:
            sys.exit(f"{method} {path} answered {status}")
    print(f"hops {hops - before}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), **json.loads(sys.argv[2])))
    os._exit(0)  # what an interpreter does at its end is not part of a request

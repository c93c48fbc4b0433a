"""Ask the server in this container how it is: `python deploy/probe.py /health/ready`.

Exits with 0 when it answers 200, else with 1 and one line that says why. It is the image's
HEALTHCHECK, so it uses the standard library alone and starts in a blink. The `Host` header is
the first of ALLOWED_HOSTS, because a server that knows its public name refuses others.
"""
# ruff: noqa: INP001 -- a script that is run by its path, not a module of a package

from __future__ import annotations

import http.client
import json
import os
import sys

ADDRESS = "127.0.0.1"
PORT = 8000
TIMEOUT = 4.0
HEALTHY = 200


def main(arguments: list[str]) -> int:
    """Take a path and, for tests, another port."""
    path = arguments[0] if arguments else "/health/live"
    port = int(arguments[1]) if arguments[1:] else PORT
    try:
        status = ask(path, port, first_host(os.environ.get("ALLOWED_HOSTS", "")))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return _unhealthy(f"{path} does not answer: {error or type(error).__name__}")
    return 0 if status == HEALTHY else _unhealthy(f"{path} answered {status}")


def ask(path: str, port: int, host: str) -> int:
    """Return the status of one GET. Proxies in the environment have no say here."""
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


def first_host(allowed: str) -> str:
    """Read a list as settings do, as JSON or `a, b`; `.example.com` stands for itself."""
    is_json = allowed.lstrip().startswith("[")
    names = json.loads(allowed) if is_json else allowed.split(",")
    return (names[0] if names else "").strip().lstrip(".") or ADDRESS


def _unhealthy(reason: str) -> int:
    print(reason, file=sys.stderr)  # noqa: T201 -- the engine keeps it as the probe's output
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

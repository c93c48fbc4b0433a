"""The door: hosts that are ours, and HTTPS where strangers come.

Behind a proxy that ends TLS the scheme is what its `X-Forwarded-Proto` says, and TRUSTED_PROXIES
names whom the server believes. Over plain HTTP a page sends the browser to its HTTPS address. An
API refuses: a client that followed a redirect would go on sending its token in the clear.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from project.settings import Settings
from project.web.problems import MACHINE_PATHS, problem, status_problem

PROBES = "/health/"
METRICS = "/metrics"
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", re.IGNORECASE)
MOST_HOSTS = 1000
READING = ("GET", "HEAD")
REFUSED = 1008
"""How a WebSocket is closed that may not come in."""


class Entrance:
    """Refuses hosts that are not ours, and plain HTTP if that is wanted.

    Probes and collectors of metrics may do both: they call by address, from inside.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._hosts = AllowedHosts(settings.web.allowed_hosts)
        self._is_https_only = settings.is_https_only
        self._hint = "Name it in ALLOWED_HOSTS." if settings.environment == "development" else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            refusal = self._refuse(scope)
            await (self.app if refusal is None else refusal)(scope, receive, send)
        elif kind == "websocket" and self._refuse(scope) is not None:
            await send({"type": "websocket.close", "code": REFUSED})
        else:
            await self.app(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        if path.startswith(PROBES) or path == METRICS:
            return None
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._hosts.has(hosts[0]):
            detail = f"The Host header does not name a host that is served here. {self._hint}"
            return status_problem(scope, 400, detail.strip())
        if self._is_https_only and scope["scheme"] in {"http", "ws"}:
            return _to_https(scope, hosts[0])
        return None


class AllowedHosts:
    """The names that are answered; `.example.com` stands for itself and everything below it."""

    def __init__(self, allowed: Sequence[str]) -> None:
        names = [name.lower() for name in allowed]
        self._allows_any = "*" in names
        self._names = {name.removeprefix(".") for name in names}
        self._suffixes = tuple(name.removeprefix("*") for name in names if name[:1] in {".", "*"})
        self._seen: dict[bytes, bool] = {}

    def has(self, header: bytes) -> bool:
        """Whether this `Host` header names one of them."""
        if self._allows_any:
            return True
        known = self._seen.get(header)
        if known is None:
            if len(self._seen) >= MOST_HOSTS:  # there is no end to what can be made up
                self._seen.clear()
            known = self._seen[header] = self._is_allowed(header.decode("latin-1"))
        return known

    def _is_allowed(self, header: str) -> bool:
        found = HOST.fullmatch(header)
        if found is None:
            return False
        name = found["name"].lower()
        return name in self._names or (bool(self._suffixes) and name.endswith(self._suffixes))


def _to_https(scope: Scope, host: bytes) -> Response:
    path: str = scope["path"]
    if path.startswith(MACHINE_PATHS) or scope.get("method") not in READING:
        return problem(
            scope,
            status=403,
            title="HTTPS only",
            code="https_required",
            detail="This is answered over HTTPS alone. What was sent in the clear is not secret.",
        )
    found = HOST.fullmatch(host.decode("latin-1"))
    name = found["name"] if found else ""
    query = scope["query_string"].decode("latin-1")
    address = f"https://{name}{quote(path)}" + (f"?{query}" if query else "")
    return RedirectResponse(address, status_code=308)

"""Pure ASGI middleware. The kind that Starlette builds on `BaseHTTPMiddleware` keeps a
connection busy while a slow client reads, and costs more than the request itself."""

import re
from collections.abc import Sequence
from secrets import token_hex
from time import perf_counter

from loguru import logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.logging import request_id
from project.web.problems import server_error, status_problem
from project.web.route import effective_route
from project.web.streaming import is_unread

PROBES = "/health/"
REQUEST_ID_HEADER = "X-Request-ID"
PLAUSIBLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ERROR = 400
SERVER_ERROR = 500


class RequestContext:
    """The outermost layer: request id and access log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        token = request_id.set(exchange.id)
        try:
            await self.app(scope, receive, exchange.send)
        finally:
            exchange.log()
            request_id.reset(token)


class UnforeseenErrors:
    """The last catch: logs what nobody foresaw and answers with a problem.

    It stands inside CORS, so that browser applications can read the answer. If the exception
    went further up, the server would close the connection, and the client's next request on
    it would be cut off.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_started = False

        async def watch(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            if has_started and is_unread(error):
                return
            logger.exception("Unhandled error")
            if has_started:
                raise  # half an answer is out; only a cut connection tells the client
            response = server_error(Request(scope))
            await response(scope, receive, send)


class _Exchange:
    """One request and its answer, as the access log sees them."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.status = 0
        self._send = send
        self._started = perf_counter()
        offered = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        self.id = offered if PLAUSIBLE_ID.fullmatch(offered) else token_hex(16)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[REQUEST_ID_HEADER] = self.id
        await self._send(message)

    def log(self) -> None:
        """Write one line. The query string may carry secrets and stays out."""
        milliseconds = round((perf_counter() - self._started) * 1000, 2)
        client = self.scope.get("client")
        path = loggable_path(self.scope).encode("unicode_escape").decode("ascii")
        logger.bind(
            method=self.scope["method"],
            path=path,
            route=route_template(self.scope),
            status=self.status,
            duration_ms=milliseconds,
            client=client[0] if client else None,
            logger="access",
        ).log(
            "INFO" if self.status < SERVER_ERROR else "WARNING",
            "{} {} {} in {} ms",
            self.scope["method"],
            path,
            self.status,
            milliseconds,
        )


def loggable_path(scope: Scope) -> str:
    """Return the path without a secret: what a route calls `token` is one (a mailed link)."""
    token = (scope.get("path_params") or {}).get("token")
    path: str = scope["path"]
    return path.replace(str(token), "{token}") if token else path


def route_template(scope: Scope) -> str | None:
    """Return the path template of the route that answered, `/api/v1/items/{item_id}` say."""
    route = effective_route(scope) or scope.get("route")
    template: str | None = getattr(route, "path_format", None)
    return template


class TrustedHosts(TrustedHostMiddleware):
    """Refuses hosts that are not ours, except for probes: those call by address.

    `.example.com` stands for the domain and everything below it, as in Django.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        super().__init__(app, [name for host in allowed_hosts for name in _host_patterns(host)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PROBES):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _host_patterns(host: str) -> tuple[str, ...]:
    return (host[1:], f"*{host}") if host.startswith(".") else (host,)


class PlainErrors:
    """Turns the plain-text errors of library middleware into problems.

    The body limit, the host check and CORS answer `text/plain`; a client of an API should
    not have to read two formats.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        replaced = False

        async def rewrite(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_plain_error(message):
                replaced = True
                headers = _kept_headers(message)
                response = status_problem(scope, message["status"], headers=headers)
                await response(scope, receive, send)
            elif not replaced:
                await send(message)

        await self.app(scope, receive, rewrite)


def _kept_headers(message: Message) -> dict[str, str]:
    """Return what is not about the replaced body: CORS, for one, without which no app reads it."""
    headers = Headers(raw=message["headers"])
    return {name: value for name, value in headers.items() if not name.startswith("content-")}


def _is_plain_error(message: Message) -> bool:
    kind = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] >= ERROR and kind.startswith("text/plain")

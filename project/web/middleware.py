"""Pure ASGI middleware. The kind that Starlette builds on `BaseHTTPMiddleware` keeps a
connection busy while a slow client reads, and costs more than the request itself."""

import re
from secrets import token_hex
from time import perf_counter

from loguru import logger
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.logging import request_id, trace_id
from project.metrics.counting import Metrics
from project.telemetry import current_trace_id
from project.web.costs import COSTS, Costs, current_costs
from project.web.headers import NONCE, ProtectiveHeaders
from project.web.problems import server_error, status_problem
from project.web.redaction import LIKE_A_SECRET
from project.web.route import effective_route
from project.web.streaming import is_unread
from project.web.vitals import Vitals

REQUEST_ID_HEADER = "X-Request-ID"
REQUEST_ID = b"x-request-id"
TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)
PLAUSIBLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ERROR = 400
SERVER_ERROR = 500


class RequestContext:
    """The outermost layer: request id, access log, and what every answer has in common.

    It is one layer because each costs a request more than what it does.
    """

    def __init__(
        self,
        app: ASGIApp,
        headers: ProtectiveHeaders | None = None,
        vitals: Vitals | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.app = app
        self.headers = headers
        self.vitals = vitals
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self.headers)
        id_before = request_id.set(exchange.id)
        trace_before = trace_id.set(exchange.trace_id)
        costs_before = current_costs.set(exchange.costs)
        try:
            await self.app(scope, receive, exchange.send)
        finally:
            exchange.log()
            self._count(exchange)
            current_costs.reset(costs_before)
            trace_id.reset(trace_before)
            request_id.reset(id_before)

    def _count(self, exchange: "_Exchange") -> None:
        seconds = exchange.time_to_answer
        if self.vitals is not None:
            self.vitals.count(exchange.status, seconds)
        if self.metrics is not None:
            method, route = exchange.scope["method"], exchange.route
            self.metrics.count(method, route, exchange.status, seconds)


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
    """One request and its answer, as the access log and the headers see them."""

    def __init__(self, scope: Scope, send: Send, headers: ProtectiveHeaders | None) -> None:
        self.scope = scope
        self.status = 0
        # Never another's: a pipelined request begins in the context of the one before.
        self.costs = scope[COSTS] = Costs()
        self.route: str | None = None
        self._send = send
        self._headers = headers
        self._started = perf_counter()
        self._answered: float | None = None
        self._is_replaced = False
        scope[NONCE] = []
        asked = dict(scope["headers"])
        self._is_personal = b"authorization" in asked
        offered = asked.get(b"x-request-id", b"").decode("latin-1")
        self.id = offered if PLAUSIBLE_ID.fullmatch(offered) else token_hex(16)
        self.trace_id = _trace_id(asked.get(b"traceparent")) or current_trace_id()

    async def send(self, message: Message) -> None:
        """Pass a message on; the plain-text errors of library middleware become problems.

        The body limit and CORS answer `text/plain`; a client of an API should not have to read
        two formats.
        """
        if self._is_replaced:
            return
        if message["type"] == "http.response.start":
            if message["status"] >= ERROR and _is_plain(message):
                self._is_replaced = True
                kept = _kept_headers(message)
                response = status_problem(self.scope, message["status"], headers=kept)
                await response(self.scope, _receive_nothing, self._pass)
                return
            self._complete(message)
        await self._send(message)

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._complete(message)
        await self._send(message)

    def _complete(self, message: Message) -> None:
        self.status = status = message["status"]
        self._answered = perf_counter()
        found = [pair for pair in message.get("headers", ()) if pair[0] != REQUEST_ID]
        found.append((REQUEST_ID, self.id.encode("ascii")))
        if self._headers is not None:
            self._headers.complete(self.scope, status, found, is_personal=self._is_personal)
        message["headers"] = found

    @property
    def time_to_answer(self) -> float:
        """Seconds until the answer began: a stream lasts, which says nothing about the server."""
        return (self._answered or perf_counter()) - self._started

    def log(self) -> None:
        """Write one line. The query string may carry secrets and stays out."""
        self.route = route_template(self.scope)
        milliseconds = round((perf_counter() - self._started) * 1000, 2)
        client = self.scope.get("client")
        path = loggable_path(self.scope).encode("unicode_escape").decode("ascii")
        logger.bind(
            method=self.scope["method"],
            path=path,
            route=self.route,
            status=self.status,
            duration_ms=milliseconds,
            lane_wait_ms=round(self.costs.lane_wait * 1000, 2),
            queries=self.costs.queries,
            user_id=self.costs.user_id,
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


def _trace_id(traceparent: bytes | None) -> str | None:
    """Return which trace the caller's request belongs to (W3C Trace Context)."""
    if traceparent is None:
        return None
    found = TRACEPARENT.fullmatch(traceparent.decode("latin-1"))
    return found["trace"] if found is not None else None


def loggable_path(scope: Scope) -> str:
    """Return the path without a secret: what a route calls `token` is one (a mailed link).

    Where no route was found (a redirect to HTTPS, a wrong host, a slash too many), what looks
    like a token may be one.
    """
    token = (scope.get("path_params") or {}).get("token")
    path: str = scope["path"]
    if "endpoint" not in scope:
        return LIKE_A_SECRET.sub("{token}", path)
    return path.replace(str(token), "{token}") if token else path


def route_template(scope: Scope) -> str | None:
    """Return the path template of the route that answered, `/api/v1/items/{item_id}` say."""
    route = effective_route(scope) or scope.get("route")
    template: str | None = getattr(route, "path_format", None)
    return template


async def _receive_nothing() -> Message:
    """Stand for a `receive` that nobody calls: the whole answer is known."""
    return {"type": "http.disconnect"}


def _kept_headers(message: Message) -> dict[str, str]:
    """Return what is not about the replaced body: CORS, for one, without which no app reads it."""
    headers = Headers(raw=message["headers"])
    return {name: value for name, value in headers.items() if not name.startswith("content-")}


def _is_plain(message: Message) -> bool:
    found = (value for name, value in message["headers"] if name == b"content-type")
    return next(found, b"").startswith(b"text/plain")

"""What every request to the admin passes: no writes from other sites, no caching."""

from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.errors import Forbidden

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})


class CrossSiteWrite(Forbidden):
    code = "cross_site_write"
    title = "This request came from another site"


class Guard:
    """Lets nobody keep an answer. What else protects pages is `project.web.headers`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, send_guarded)
        finally:
            _name_route(scope)


class RouteName(NamedTuple):
    """What the access log reads of a route."""

    path_format: str


def _name_route(scope: Scope) -> None:
    """Put the mount's path before the route's, so that a log line says which list was asked for."""
    route = scope.get("route")
    if isinstance(route, Route):
        scope["route"] = RouteName(scope.get("root_path", "") + route.path_format)


class RefuseCrossSiteWrites:
    """Raises CrossSiteWrite if a page of another origin wants to change something.

    Browsers send `Sec-Fetch-Site` with every request, older ones and those on plain HTTP at
    least `Origin` with every form. A request with neither comes from no browser, so nobody's
    cookie was lent to it. This covers every route, those that apps add included.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            _refuse_other_site(Headers(scope=scope))
        await self.app(scope, receive, send)


def _refuse_other_site(headers: Headers) -> None:
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site not in OWN_SITES:
            raise CrossSiteWrite
        return
    source = headers.get("origin") or headers.get("referer")
    if source is not None and _host_of(source) != headers.get("host", "").lower():
        raise CrossSiteWrite


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).netloc.lower() or None
    except ValueError:
        return None

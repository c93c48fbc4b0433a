"""What every request to the admin passes: no writes from other sites, no caching."""

from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.web.same_origin import refuse_other_site

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


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

    This covers every route, those that apps add included.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            refuse_other_site(Headers(scope=scope))
        await self.app(scope, receive, send)

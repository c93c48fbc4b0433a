"""Finds the route of a request with one look.

FastAPI tries one route after the other, and those of a router in a router once more on each
level: in this project half the instructions of a request that does nothing. Here one regular
expression per method knows them all. Whatever it does not know (mounts, pages, forms, a wrong
method, an unknown path, routes added later) goes FastAPI's own way, with the same result.
"""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.params import Form
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.convertors import Convertor
from starlette.exceptions import HTTPException
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHOD_NOT_ALLOWED = 405
GET = "GET"
HEAD = "HEAD"

_PARAMETER = re.compile(r"\(\?P<\w+>")


def index_routes(app: FastAPI) -> None:
    """Put the index in front of the application's routes; call it when all of them are there.

    Working it out now also spares the first requests what FastAPI would do on them.
    """
    app.router.middleware_stack = RouteIndex(app.router, list(iter_route_contexts(app.routes)))


class RouteIndex:
    """An ASGI application: a router, with a short cut to its API routes."""

    def __init__(self, router: Router, contexts: list[RouteContext]) -> None:
        self._router = router
        self._fallback = router.middleware_stack
        entries = [_Entry(context) for context in _until_unreadable(contexts)]
        methods = {method for entry in entries for method in entry.methods or ()}
        self._tables = {method: _Table(method, entries) for method in methods}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == HEAD and self._is_read(scope["path"]):
            asked = {**scope, "method": GET}
            try:
                await self._dispatch(asked, receive, _without_body(send))
            finally:
                scope.update({**asked, "method": HEAD})  # the access log reads the route from it
        else:
            await self._dispatch(scope, receive, send)

    def _is_read(self, path: str) -> bool:
        """Whether HEAD gets what GET would, without the body: FastAPI's own routes refuse it.

        Not if a route has a HEAD of its own, nor for a stream, which has no end to wait for.
        """
        own, table = self._tables.get(HEAD), self._tables.get(GET)
        if table is None or (own is not None and own.knows(path)):
            return False
        entry = table.find(path)
        return entry is not None and not entry.is_stream

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        entry = self.find(scope)
        if entry is None:
            await self._fall_back(scope, receive, send)
            return
        scope["router"] = self._router
        entry.prepare(scope)
        await entry.app(scope, receive, send)

    async def _fall_back(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._fallback(scope, receive, send)
        except HTTPException as error:
            if error.status_code == METHOD_NOT_ALLOWED:
                # FastAPI names the methods of the first route alone.
                allowed = {m for m, table in self._tables.items() if table.knows(scope["path"])}
                known = (error.headers or {}).get("Allow", "").split(", ")
                allowed |= {HEAD} if self._is_read(scope["path"]) else set()
                methods = ", ".join(sorted(allowed.union(known) - {""}))
                error.headers = {**(error.headers or {}), "Allow": methods}
            raise

    def find(self, scope: Scope) -> "_Entry | None":
        """Return the route to call; None if FastAPI has to decide."""
        if scope["type"] != "http" or scope.get("root_path") or "fastapi.telemetry" in scope:
            return None
        table = self._tables.get(scope["method"])
        return table.find(scope["path"]) if table is not None else None


class _Entry:
    """What is known of one route beforehand."""

    def __init__(self, context: RouteContext) -> None:
        self.methods = context.methods
        self.pattern: re.Pattern[str] = context.path_regex
        self.app: ASGIApp = context.app
        self.is_direct = _is_direct(context)
        self.is_stream = _is_stream(context)
        self._route = context.original_route
        self._endpoint = context.endpoint
        self._effective = context._route_context  # noqa: SLF001 - held by test_dispatch.py
        self._convertors: dict[str, Convertor[Any]] = getattr(context, "param_convertors", {})

    def prepare(self, scope: Scope) -> None:
        """Leave in the scope what FastAPI would have left on its way to the route."""
        matched = self.pattern.match(scope["path"])
        values = matched.groupdict() if matched is not None else {}
        scope["path_params"] = {
            name: self._convertors[name].convert(value) for name, value in values.items()
        }
        scope["route"] = self._route
        scope["endpoint"] = self._endpoint
        if self._effective is not None:
            scope.setdefault("fastapi", {})["effective_route_context"] = self._effective


class _Table:
    """The routes of one method, in the order in which they are tried."""

    def __init__(self, method: str, entries: list[_Entry]) -> None:
        self._entries = [e for e in entries if e.methods is None or method in e.methods]
        patterns = (_PARAMETER.sub("(?:", entry.pattern.pattern) for entry in self._entries)
        self._pattern = re.compile("|".join(f"({pattern})" for pattern in patterns))

    def knows(self, path: str) -> bool:
        """Whether one of the routes has this path."""
        return self._pattern.match(path) is not None

    def find(self, path: str) -> _Entry | None:
        found = self._pattern.match(path)
        if found is None or found.lastindex is None:
            return None
        entry = self._entries[found.lastindex - 1]
        return entry if entry.is_direct else None


def _until_unreadable(contexts: list[RouteContext]) -> Iterator[RouteContext]:
    """Yield the routes up to one whose path is no simple pattern: it may come before the rest."""
    for context in contexts:
        pattern = getattr(context, "path_regex", None)
        if pattern is None or pattern.groups != len(pattern.groupindex):
            return
        yield context


def _is_direct(context: RouteContext) -> bool:
    """Whether the route can be called without its routers: a form inherits limits from them."""
    if not isinstance(context.original_route, APIRoute):
        return False
    body = context.body_field
    return body is None or not isinstance(body.field_info, Form)


def _is_stream(context: RouteContext) -> bool:
    route = context.original_route
    return any(getattr(route, name, False) for name in ("is_sse_stream", "is_json_stream"))


def _without_body(send: Send) -> Send:
    """Let the headers through, which say how long the body would be, and end there."""
    has_ended = False

    async def send_head(message: Message) -> None:
        nonlocal has_ended
        if message["type"] == "http.response.start":
            await send(message)
        elif not has_ended:
            has_ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_head

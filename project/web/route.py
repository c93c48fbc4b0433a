"""One hop, one transaction, commit before the response.

A `def` route runs as a whole in one thread of its lane: begin, providers (the current
user, say), the endpoint, validation and serialisation of what it returned, commit. Only
then does the response leave. A GET has nothing to commit and reads in autocommit. FastAPI
itself would hold the connection across three hops or more, which locks up under load, and
would commit after the response has been sent.

Because nothing leaves before the commit, a transaction that lost to another one (a deadlock, a
serialization failure) is run again from its beginning, and the client never hears of it.

To FastAPI the route looks like an `async def` endpoint with the same parameters, so that
parsing, errors and the OpenAPI document stay FastAPI's own. What is used of its private
parts is pinned by tests/project/web/test_route_contract.py.

An `async def` route with a session does the same on the async side, without a thread. A route
that streams (`project.web.streaming`) is done with the database before its first byte.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import ResponseValidationError
from fastapi.routing import APIRoute
from fastapi.utils import is_body_allowed_for_status_code
from sqlalchemy.orm import Session
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import Message, Receive, Scope, Send

from project.db.replica.server import Reading
from project.db.retry import retry_conflicts, retry_conflicts_async
from project.db.session import Database
from project.runtime import runtime_of
from project.settings import Settings
from project.web.json_depth import with_shallow_json
from project.web.lanes import DATABASE
from project.web.read_your_writes import position_of
from project.web.replica import LeftOut
from project.web.streaming import stream_after_reading
from project.web.throttling import THROTTLED_ATTRIBUTE, Throttle, with_throttle
from project.web.transaction import Call, Function, Resolution, inspect_call, name_of

LANE_ATTRIBUTE = "__lane__"
TRANSACTIONAL_ATTRIBUTE = "__transactional__"
BODY_ATTRIBUTE = "__max_body__"
READING = frozenset({"GET", "HEAD"})
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
REQUEST = "_request"
RESPONSE = "_response"
BACKGROUND = "_background"


def in_lane(name: str) -> Callable[[Function], Function]:
    """Declare the lane in which a `def` route runs; without it: the database lane.

    Goes below the router's decorator. Only the database lane has a session.
    """

    def mark(endpoint: Function) -> Function:
        setattr(endpoint, LANE_ATTRIBUTE, name)
        return endpoint

    return mark


def transactional(endpoint: Function) -> Function:
    """Give a GET route a transaction: for one that writes, or locks what it reads."""
    setattr(endpoint, TRANSACTIONAL_ATTRIBUTE, True)
    return endpoint


def max_body(limit: Callable[[Settings], int]) -> Callable[[Function], Function]:
    """Declare a route's own limit for the bytes of a body, in the place of MAX_BODY_SIZE.

    Goes below the router's decorator. FastAPI's `max_body_size` is a number that has to be
    known on import; this one is read from the settings that the application was built with.
    """

    def mark(endpoint: Function) -> Function:
        setattr(endpoint, BODY_ATTRIBUTE, limit)
        return endpoint

    return mark


class Route(APIRoute):
    """An API route whose `def` endpoint makes exactly one thread hop."""

    def __init__(self, path: str, endpoint: Function, **options: Any) -> None:
        self.lane_name: str | None = None
        self.written = endpoint  # as its author wrote it; FastAPI gets to see a wrapper
        self.max_body: Callable[[Settings], int] | None = getattr(endpoint, BODY_ATTRIBUTE, None)
        self.throttle: Throttle | None = getattr(endpoint, THROTTLED_ATTRIBUTE, None)
        self.call = call = inspect_call(endpoint)
        may_use_replica = any(one.is_on_replica for one in call.everybody())
        if inspect.isasyncgenfunction(endpoint):
            _refuse_session(call, call.session, "streams; take what a provider reads")
            endpoint = stream_after_reading(call)
        elif inspect.iscoroutinefunction(endpoint):
            _refuse_session(call, call.session, "is async; take AsyncDbSession")
            if call.is_transactional:
                endpoint = self._wrap(call, self._work_async)
        elif inspect.isgeneratorfunction(endpoint):
            reason = "streams; read what it needs before the response starts"
            _refuse_session(call, call.is_transactional, reason)
        else:
            self.lane_name = getattr(endpoint, LANE_ATTRIBUTE, DATABASE)
            if self.lane_name != DATABASE:
                reason = f"runs in the {self.lane_name} lane, which has no session"
                _refuse_session(call, call.is_transactional, reason)
            endpoint = self._wrap(call, self._read if may_use_replica else self._hop)
        super().__init__(path, endpoint, **options)
        if may_use_replica:
            _refuse_mixture(call, is_hop=self.lane_name is not None and self._only_reads(call))

    def get_route_handler(self) -> Handler:
        """Put around what FastAPI does the limits of bodies, and the rate if one is declared."""
        handler = super().get_route_handler()
        if self.body_field is not None:
            handler = with_shallow_json(handler)
        limited = handler if self.max_body is None else _with_body_limit(handler, self.max_body)
        return with_throttle(limited, self.throttle)

    def _wrap(self, call: Call, work: "Work") -> Function:
        """Wrap the endpoint in the `async def` that FastAPI gets to see."""
        parameters = call.request_parameters()
        request_name = name_of(Request, parameters, REQUEST)
        response_name = name_of(Response, parameters, RESPONSE)
        background_name = name_of(BackgroundTasks, parameters, BACKGROUND)

        async def endpoint(**values: Any) -> Response:
            request: Request = values[request_name]
            injected = _Injected(values[response_name], values[background_name])
            return await work(call, request, injected, values)

        return call.disguise(endpoint, parameters)

    def _hop(
        self, call: Call, request: Request, injected: "_Injected", values: Mapping[str, Any]
    ) -> Awaitable[Response]:
        lane = runtime_of(request).lanes[self.lane_name or DATABASE]
        return lane.run(self._work, call, request, injected, values)

    def _read(
        self, call: Call, request: Request, injected: "_Injected", values: Mapping[str, Any]
    ) -> Awaitable[Response]:
        if runtime_of(request).replica is None:
            return self._hop(call, request, injected, values)
        return self._read_somewhere(call, request, injected, values)

    async def _read_somewhere(
        self, call: Call, request: Request, injected: "_Injected", values: Mapping[str, Any]
    ) -> Response:
        """Read from the replica; from the primary, from the beginning, if that comes to nothing."""
        replica = runtime_of(request).replica
        assert replica is not None  # noqa: S101 - whoever calls this has looked

        def work(reading: Reading) -> Response:
            return self._attempt(reading.session, call, request, injected, values)

        try:
            return await replica.run(work, position=position_of(request))
        except LeftOut:
            return await self._hop(call, request, injected, values)

    def _work(
        self, call: Call, request: Request, injected: "_Injected", values: Mapping[str, Any]
    ) -> Response:
        """Do all of the request's blocking work; runs in the lane's thread."""
        database = runtime_of(request).database
        unit = partial(self._unit_of_work, database, call)
        attempt = partial(self._attempt, unit, call, request, injected, values)
        return attempt() if _has_files(request) else retry_conflicts(attempt)

    def _attempt(
        self,
        unit: "Unit",
        call: Call,
        request: Request,
        injected: "_Injected",
        values: Mapping[str, Any],
    ) -> Response:
        renderer = Renderer(effective_route(request.scope) or self)
        injected.restore()
        with unit() as session:
            result = Resolution(session, values, request.app.dependency_overrides).call(call)
            return renderer.render(result, injected.response)

    def _unit_of_work(
        self, database: Database, call: Call
    ) -> AbstractContextManager[Session | None]:
        """Open what the request needs: nothing, a session that reads, or a transaction."""
        if not call.is_transactional:
            return nullcontext()
        if self._only_reads(call):
            return database.reading()
        return database.transaction()

    async def _work_async(
        self, call: Call, request: Request, injected: "_Injected", values: Mapping[str, Any]
    ) -> Response:
        """Do the same on the async side; providers and rendering get the sync session inside."""
        database = runtime_of(request).async_database
        overrides = request.app.dependency_overrides
        renderer = Renderer(effective_route(request.scope) or self)
        open_session = database.reading if self._only_reads(call) else database.transaction

        async def attempt() -> Response:
            injected.restore()
            async with open_session() as session:
                resolution = Resolution(session.sync_session, values, overrides)
                arguments = await session.run_sync(lambda _: resolution.arguments(call))
                arguments |= dict.fromkeys(call.async_session, session)
                result = await call.function(**arguments)
                return await session.run_sync(lambda _: renderer.render(result, injected.response))

        return await (attempt() if _has_files(request) else retry_conflicts_async(attempt))

    def _only_reads(self, call: Call) -> bool:
        is_safe = (self.methods or set()) <= READING
        return is_safe and not hasattr(call.function, TRANSACTIONAL_ATTRIBUTE)


def effective_route(scope: Scope) -> Any:
    """Return what FastAPI made of the route where it was included, or None if it was not."""
    return scope.get("fastapi", {}).get("effective_route_context")


class Renderer:
    """Turns what an endpoint returned into bytes, as FastAPI would, but inside the session."""

    def __init__(self, route: Any) -> None:
        self._route = route

    def render(self, result: Any, injected: Response) -> Response:
        """Return the response; headers, cookies and status set on the injected one count."""
        if isinstance(result, Response):
            return result
        status = injected.status_code or self._route.status_code or 200
        rendered = self._encode(result, status)
        if not is_body_allowed_for_status_code(status):
            rendered.body = b""
            del rendered.headers["content-length"], rendered.headers["content-type"]
        rendered.headers.raw.extend(injected.headers.raw)
        return rendered

    def _encode(self, result: Any, status: int) -> Response:
        response_class, field = self._route.response_class, self._route.response_field
        if isinstance(response_class, DefaultPlaceholder):
            default: type[Response] = response_class.value
            if field is None:
                return default(jsonable_encoder(result), status_code=status)
            body = self._validate(result, as_json=True)
            return Response(body, status_code=status, media_type="application/json")
        content = jsonable_encoder(result) if field is None else self._validate(result)
        response: Response = response_class(content, status_code=status)
        return response

    def _validate(self, result: Any, *, as_json: bool = False) -> Any:
        route, field = self._route, self._route.response_field
        value, errors = field.validate(result, {}, loc=("response",))
        if errors:
            raise ResponseValidationError(errors=errors, body=None)
        serialize = field.serialize_json if as_json else field.serialize
        return serialize(
            value,
            include=route.response_model_include,
            exclude=route.response_model_exclude,
            by_alias=route.response_model_by_alias,
            exclude_unset=route.response_model_exclude_unset,
            exclude_defaults=route.response_model_exclude_defaults,
            exclude_none=route.response_model_exclude_none,
        )


class _Injected:
    """What FastAPI lends to endpoints to write on, as it was before the first attempt.

    Dependencies outside the hop may have written on it, and they are not run again.
    """

    def __init__(self, response: Response, background: BackgroundTasks) -> None:
        self.response = response
        self._background = background
        self._status = response.status_code
        self._headers = list(response.raw_headers)
        self._tasks = list(background.tasks)

    def restore(self) -> None:
        """Forget what an earlier attempt has written: each header, cookie and task counts once."""
        self.response.status_code = self._status
        self.response.raw_headers[:] = self._headers
        self._background.tasks[:] = self._tasks


class Router(APIRouter):
    """FastAPI's router, with routes that obey the law."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"route_class": Route, **options})


def _with_body_limit(handler: Handler, limit: Callable[[Settings], int]) -> Handler:
    async def limited(request: Request) -> Response:
        answers: list[Response] = []

        async def handle(_scope: Scope, _receive: Receive, _send: Send) -> None:
            answers.append(await handler(request))

        # Inside the application's own limiter, this one only tells it another number.
        size = limit(runtime_of(request).settings)
        middleware = RequestBodyLimitMiddleware(handle, size)
        await middleware(request.scope, request.receive, _send_nothing)
        return answers[0]

    return limited


async def _send_nothing(_: Message) -> None:
    """Stand for a `send` that nobody calls: the handler returns its answer."""


def _has_files(request: Request) -> bool:
    """Whether the body may hold files: whoever has read one to its end cannot read it again."""
    return request.headers.get("content-type", "").lower().startswith("multipart/")


def _refuse_session(call: Call, asked: object, reason: str) -> None:
    if asked:
        name = f"{call.function.__module__}.{call.function.__name__}"
        raise TypeError(f"The route {name} asks for the sync session but {reason}.")


def _refuse_mixture(call: Call, *, is_hop: bool) -> None:
    """A `DbSession` is promised what is committed now: whether somebody is still signed in, say."""
    name = f"{call.function.__module__}.{call.function.__name__}"
    if not is_hop:
        raise TypeError(f"The route {name} asks for ReplicaSession: only a `def` GET may.")
    for one in call.everybody():
        if one.session and not one.is_on_replica:
            raise TypeError(
                f"The route {name} asks for ReplicaSession, but {one.function.__name__}() for "
                "DbSession: what it looks at must not be old. Let the route take DbSession."
            )


Unit = Callable[[], AbstractContextManager[Session | None]]
Work = Callable[[Call, Request, _Injected, Mapping[str, Any]], Awaitable[Response]]

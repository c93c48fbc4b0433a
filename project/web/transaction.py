"""What a route declares when it wants the database.

    @router.post("/", status_code=201)
    def create_item(session: DbSession, user: CurrentUser, item: ItemCreate) -> ItemRead: ...

`DbSession` and every other argument marked `InTransaction(provider)` are made inside the
request's one thread hop, in the request's one transaction (`project.web.route`).

An `async def` route takes `AsyncDbSession` and the same providers. One that waits long for
something else in between takes `InTransactions` instead, and runs each piece of database work
as a transaction of its own.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar, get_origin, get_type_hints

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from project.runtime import Runtime, runtime_of

P = ParamSpec("P")
T = TypeVar("T")
Function = Callable[..., Any]


class InTransaction:
    """Marks an argument that is made inside the transaction.

    Without a provider the argument is the session itself. A provider is a plain function;
    its own arguments may be marked in the same way, and all others are request parameters
    that FastAPI parses as if the route had declared them.
    """

    def __init__(self, provider: Function | None = None) -> None:
        self.provider = provider


DbSession = Annotated[Session, InTransaction()]
"""The session of the request's transaction. Services flush; only the route class commits."""


class _OnReplica(InTransaction):
    """Marks the argument that is a session which may be of the replica."""


ReplicaSession = Annotated[Session, _OnReplica()]
"""The session of a GET that may be a few seconds old: the replica's, if there is one.

It only reads. Whoever has just written reads from the primary until the replica has it, too
(`project.web.read_your_writes`), and so does everybody when the replica fails.
"""


class _InAsyncTransaction(InTransaction):
    """Marks the argument that is the async session."""


AsyncDbSession = Annotated[AsyncSession, _InAsyncTransaction()]
"""The same for an `async def` route; its providers get the sync session inside it."""


@dataclass(frozen=True)
class Call:
    """How to call one function inside the transaction: where each argument comes from."""

    function: Function
    session: tuple[str, ...]
    async_session: tuple[str, ...]
    provided: Mapping[str, Function]
    requested: Mapping[str, inspect.Parameter]
    returns: Any
    is_on_replica: bool = False

    @property
    def is_transactional(self) -> bool:
        """Whether it needs a session, itself or through a provider."""
        return bool(self.session or self.async_session or self.provided)

    def all_providers(self) -> Iterator[Function]:
        """Yield what makes the arguments, and what makes theirs."""
        for provider in self.provided.values():
            yield provider
            yield from inspect_call(provider).all_providers()

    def everybody(self) -> Iterator["Call"]:
        """Yield this call and those of all its providers."""
        yield self
        yield from map(inspect_call, self.all_providers())

    def request_parameters(self) -> dict[str, inspect.Parameter]:
        """Collect what FastAPI has to parse for this call and all its providers.

        A name means one thing in a route: two different declarations of it are refused.
        """
        collected = dict(self.requested)
        for provider in self.provided.values():
            for name, parameter in inspect_call(provider).request_parameters().items():
                known = collected.setdefault(name, parameter)
                if (known.annotation, known.default) != (parameter.annotation, parameter.default):
                    raise TypeError(
                        f"{_place(self.function)}: '{name}' is declared differently by the "
                        f"provider {provider.__name__}(); rename one of the two."
                    )
        return collected

    def disguise(self, wrapper: Function, parameters: Mapping[str, inspect.Parameter]) -> Function:
        """Let FastAPI take a wrapper for this function, with these parameters to parse."""
        wrapper.__name__ = self.function.__name__
        wrapper.__doc__ = self.function.__doc__
        wrapper.__module__ = self.function.__module__
        signature = inspect.Signature(list(parameters.values()), return_annotation=self.returns)
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        return wrapper


def name_of(kind: type, parameters: dict[str, inspect.Parameter], fallback: str) -> str:
    """Find the parameter that already injects this kind of object, or add one."""
    names = [
        name
        for name, parameter in parameters.items()
        if inspect.isclass(parameter.annotation) and issubclass(parameter.annotation, kind)
    ]
    if len(names) > 1:
        raise TypeError(f"{' and '.join(names)} are both the {kind.__name__}; use one name.")
    if names:
        return names[0]
    parameters[fallback] = inspect.Parameter(
        fallback, inspect.Parameter.KEYWORD_ONLY, annotation=kind
    )
    return fallback


@cache
def inspect_call(function: Function) -> Call:
    """Read a function's signature once."""
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        raise TypeError(
            f"{function!r} is not a plain function, as routes and providers have to be."
        )
    hints = get_type_hints(function, include_extras=True)
    session: list[str] = []
    async_session: list[str] = []
    provided: dict[str, Function] = {}
    requested: dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        marker = _find_marker(hints.get(name))
        if marker is None:
            requested[name] = parameter.replace(
                annotation=hints.get(name, parameter.empty), kind=parameter.KEYWORD_ONLY
            )
        elif isinstance(marker, _InAsyncTransaction):
            _refuse_blocking(function)
            async_session.append(name)
        elif marker.provider is None:
            session.append(name)
        else:
            _refuse_waiting(marker.provider)
            provided[name] = marker.provider
    returns = hints.get("return", inspect.Signature.empty)
    if returns is type(None):
        returns = None  # as FastAPI expects a route without a body to be written
    markers = map(_find_marker, hints.values())
    return Call(
        function,
        tuple(session),
        tuple(async_session),
        provided,
        requested,
        returns,
        is_on_replica=any(isinstance(marker, _OnReplica) for marker in markers),
    )


def _find_marker(annotation: Any) -> InTransaction | None:
    if get_origin(annotation) is not Annotated:
        return None
    markers = (m for m in annotation.__metadata__ if isinstance(m, InTransaction))
    return next(markers, None)


def _refuse_waiting(provider: Function) -> None:
    """A coroutine or generator would be handed over unrun, and what it checks be skipped."""
    if (
        inspect.iscoroutinefunction(provider)
        or inspect.isgeneratorfunction(provider)
        or inspect.isasyncgenfunction(provider)
    ):
        raise TypeError(f"The provider {_place(provider)} must be a plain def that returns.")


def _refuse_blocking(function: Function) -> None:
    """Nobody but a coroutine can await the async session, and a stream would hold it for long."""
    if not inspect.iscoroutinefunction(function):
        raise TypeError(
            f"{_place(function)} asks for the async session, which is for `async def` routes that "
            "return: a plain def takes DbSession, a stream what a provider reads before it starts."
        )


def _place(function: Function) -> str:
    code = function.__code__
    return f"{function.__module__}.{function.__name__} (line {code.co_firstlineno})"


class Resolution:
    """The calls of one request: each provider runs once, and only if somebody needs it."""

    def __init__(
        self,
        session: Session | None,
        values: Mapping[str, Any],
        overrides: Mapping[Function, Function],
    ) -> None:
        self._session = session
        self._values = values
        self._overrides = overrides
        self._made: dict[Function, Any] = {}

    def call(self, call: Call) -> Any:
        """Call the function with everything it asks for."""
        return call.function(**self.arguments(call))

    def arguments(self, call: Call) -> dict[str, Any]:
        """Make everything that the function asks for, apart from the async session."""
        arguments = {name: self._requested(call, name) for name in call.requested}
        for name in call.session:
            arguments[name] = self._session
        for name, provider in call.provided.items():
            arguments[name] = self._make(provider)
        return arguments

    def _requested(self, call: Call, name: str) -> Any:
        """Look up what FastAPI parsed; an override may only ask for what the route does."""
        if name in self._values:
            return self._values[name]
        default = call.requested[name].default
        if default is inspect.Parameter.empty:
            raise TypeError(f"{_place(call.function)} asks for '{name}', which the route has not.")
        return default

    def _make(self, provider: Function) -> Any:
        if provider not in self._made:
            actual = self._overrides.get(provider, provider)
            if actual is not provider:
                _refuse_waiting(actual)
            self._made[provider] = self.call(inspect_call(actual))
        return self._made[provider]


class Transactions:
    """Runs database work for `async def` routes: one call, one hop, one transaction."""

    def __init__(self, runtime: Runtime) -> None:
        self._database = runtime.database
        self._lane = runtime.lanes.database

    async def run(
        self, work: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call `work(session, …)` in the database lane; committed when this returns."""

        def hop() -> T:
            with self._database.transaction() as session:
                return work(session, *args, **kwargs)

        return await self._lane.run(hop)

    async def read(
        self, work: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call `work(session, …)`, which only reads, in the database lane."""

        def hop() -> T:
            with self._database.reading() as session:
                return work(session, *args, **kwargs)

        return await self._lane.run(hop)


async def _transactions(request: Request) -> Transactions:
    return Transactions(runtime_of(request))


InTransactions = Annotated[Transactions, Depends(_transactions)]
"""The way to the database for an async route that waits for something else in between."""

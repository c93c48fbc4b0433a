"""How often somebody may do something: the seam between routes and the one app that counts.

    @router.post("/")
    @throttled("20/hour", scope="registration", by_address=True)
    async def register(…) -> UserRead: ...

An app with a `limiter.py` that defines `limiter` counts for everybody; without one nothing is
throttled. Whoever has an access token is counted as such, everybody else by address. The headers
are those of the IETF's draft-ietf-httpapi-ratelimit-headers-11.
"""

import ipaddress
import math
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from fastapi import FastAPI, Request, Response
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers

from project.errors import ProjectError, TooManyRequests
from project.runtime import Runtime, runtime_of
from project.web.principal import EmailNormaliser

if TYPE_CHECKING:
    from project.web.transaction import Function

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

THROTTLED_ATTRIBUTE = "__throttled__"
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
WRITTEN = re.compile(r"(?P<amount>[1-9]\d{0,6})/(?:(?P<times>[1-9]\d{0,6}) )?(?P<unit>[a-z]+?)s?")
_counted_elsewhere: dict[str, str] = {}
"""Scopes that no route has, and the packages of the apps that ask about them."""

NETWORK_OF_IPV6 = 64
"""Bits that a household or a rented machine has to itself; below them it changes at will."""


@dataclass(frozen=True)
class Rate:
    """So many in so many seconds. A burst of all of them is fine; then they come back evenly."""

    amount: int
    seconds: int

    @classmethod
    def parse(cls, written: str) -> "Rate":
        """Read `100/minute` or `10/5 minutes`. Raises ValueError."""
        found = WRITTEN.fullmatch(written.strip().lower())
        if found is None or found["unit"] not in UNITS:
            raise ValueError("should be a rate such as 100/minute or 10/5 minutes")
        seconds = int(found["times"] or 1) * UNITS[found["unit"]]
        return cls(int(found["amount"]), seconds)

    def __str__(self) -> str:
        return f"{self.amount}/{self.seconds} seconds"

    @property
    def step(self) -> float:
        """Seconds after which one more is free."""
        return self.seconds / self.amount


@dataclass(frozen=True)
class Quota:
    """A rate for somebody; `name` is what the headers call it."""

    name: str
    rate: Rate
    subject: tuple[str, ...]
    """Who, and at what. It is hashed before it is kept."""


@dataclass(frozen=True)
class Verdict:
    """What became of one request against one quota; `level` is what is used up, in seconds."""

    quota: Quota
    is_admitted: bool
    level: float

    @property
    def remaining(self) -> int:
        """How many more are free now."""
        rate = self.quota.rate
        return max(0, math.floor((rate.seconds - self.level) / rate.step + 1e-6))

    @property
    def retry_after(self) -> int:
        """Whole seconds until the next one is free; 1 at least."""
        rate = self.quota.rate
        return max(1, math.ceil(self.level + rate.step - rate.seconds))

    def headers(self) -> dict[str, str]:
        """Say what the quota is, what is left of it, and when there will be more."""
        rate, name = self.quota.rate, self.quota.name
        reset = math.ceil(max(0.0, self.level)) if self.is_admitted else self.retry_after
        remaining = self.remaining if self.is_admitted else 0
        found = {
            "RateLimit-Policy": f'"{name}";q={rate.amount};w={rate.seconds}',
            "RateLimit": f'"{name}";r={remaining};t={reset}',
        }
        return found if self.is_admitted else {**found, "Retry-After": str(self.retry_after)}


class Attempt:
    """Somebody tries to sign in; whoever checks the password says how it went."""

    def __init__(self) -> None:
        self.has_succeeded = False


class Throttle(NamedTuple):
    """What a route declares."""

    scope: str
    rate: Rate
    is_by_address: bool


@runtime_checkable
class Limiter(Protocol):
    """What an app's `limiter.py` offers as `limiter`."""

    async def admit(self, runtime: Runtime, quotas: Sequence[Quota]) -> Verdict | None:
        """Count one request against each quota, as long as the one before it has room.

        Returns the last verdict: the first refusal, if there is one. None where nothing is
        counted: switched off, or the database cannot be asked.
        """
        ...

    def rate_of(self, runtime: Runtime, scope: str, default: Rate) -> Rate:
        """Return the rate that this place has set for a scope, or the one in the code."""
        ...

    def attempt(
        self, runtime: Runtime, *, account: str, address: str
    ) -> AbstractAsyncContextManager[Attempt]:
        """Count an attempt to sign in: an async context manager that yields an Attempt.

        Raises TooManyRequests before anything is checked. What has succeeded is given back, and
        counted apart: past its own rate it is refused as well.
        """
        ...


def throttled(
    rate: str, *, scope: str = "", by_address: bool = False
) -> Callable[["Function"], "Function"]:
    """Declare how often one client may call a route. Goes below the router's decorator.

    Routes of one `scope` share a count, and a deployment may set its rate. Without one, each
    route counts for itself. `by_address` is for what strangers do: whoever may open accounts
    would otherwise get another count with each. Raises ValueError for what is no rate.
    """
    try:
        parsed = Rate.parse(rate)
    except ValueError as error:
        raise ValueError(f"@throttled({rate!r}) {error}") from None

    def mark(endpoint: "Function") -> "Function":
        name = scope or f"{endpoint.__module__}.{endpoint.__qualname__}"
        setattr(endpoint, THROTTLED_ATTRIBUTE, Throttle(name, parsed, by_address))
        return endpoint

    return mark


def counted_scope(scope: str, package: str) -> str:
    """Declare a scope that an app asks `has_room` about, so that a rate may be set for it."""
    _counted_elsewhere[scope] = package
    return scope


def declared_scopes(app: FastAPI) -> set[str]:
    """Return all that `THROTTLING_RATES` may name: of throttled routes, of the installed apps."""
    routes = (context.original_route for context in iter_route_contexts(app.routes))
    declared = (getattr(route, "throttle", None) for route in routes)
    installed = {config.package for config in app.state.runtime.registry}
    elsewhere = (scope for scope, package in _counted_elsewhere.items() if package in installed)
    return {throttle.scope for throttle in filter(None, declared)} | set(elsewhere)


def with_throttle(handler: Handler, declared: Throttle | None) -> Handler:
    """Put the declared rate before everything that a route does, reading the body included."""
    if declared is None:
        return handler
    scope, default, is_by_address = declared
    name = scope.rpartition(".")[2]

    async def throttled_handler(request: Request) -> Response:
        runtime = runtime_of(request)
        limiter = runtime.limiter
        if limiter is None:
            return await handler(request)
        rate = limiter.rate_of(runtime, scope, default)
        who = ("address", address_of(request)) if is_by_address else caller_of(request)
        verdict = await limiter.admit(runtime, [Quota(name, rate, (scope, *who))])
        refuse_excess(verdict)
        response = await handler(request)
        if verdict is not None:
            response.headers.update(verdict.headers())
        return response

    return throttled_handler


async def has_room(runtime: Runtime, scope: str, default: Rate, *subject: str) -> bool:
    """Count one more of `scope` for a subject that is no caller, and tell whether it is within.

    True where nothing is counted. The scope's rate can be set as that of a route can.
    """
    limiter = runtime.limiter
    if limiter is None:
        return True
    quota = Quota(scope, limiter.rate_of(runtime, scope, default), (scope, *subject))
    verdict = await limiter.admit(runtime, [quota])
    return verdict is None or verdict.is_admitted


def refuse_excess(verdict: Verdict | None) -> None:
    """Raise TooManyRequests if the verdict is a refusal."""
    if verdict is not None and not verdict.is_admitted:
        seconds = verdict.retry_after
        detail = (
            f"Too many requests: try again in {seconds} {'second' if seconds == 1 else 'seconds'}."
        )
        raise TooManyRequests(detail, headers=verdict.headers())


@asynccontextmanager
async def signing_in(request: Request, *, account: str) -> AsyncIterator[Attempt]:
    """Count an attempt to sign in before the password is looked at.

        async with signing_in(request, account=email) as attempt:
            user = await check_password(…)
            attempt.has_succeeded = user is not None

    Raises TooManyRequests, whether there is such an account or not.
    """
    runtime = runtime_of(request)
    if runtime.limiter is None:
        yield Attempt()
        return
    name = _normalise(runtime, account)
    async with runtime.limiter.attempt(runtime, account=name, address=address_of(request)) as found:
        yield found


def _normalise(runtime: Runtime, account: str) -> str:
    """Write an account's name as it is looked up, so that all spellings share a count."""
    authenticator: object = runtime.authenticator
    name = account.strip()
    if isinstance(authenticator, EmailNormaliser):
        name = authenticator.normalise(name)
    return name.casefold()


def caller_of(request: Request) -> tuple[str, str]:
    """Say who calls: the account behind a valid access token, or else the address.

    An API key names its account in the database alone: until then anybody may have made it up.
    Whether a token was revoked is in the database, too, and is not asked, since a flood has to
    cost less than a query. So the holder of a revoked one uses up its account's count for the
    minutes that it would have lived, and gets nothing for it: the route asks, and answers 401.
    """
    runtime = runtime_of(request)
    scheme, _, token = Headers(scope=request.scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token and runtime.authenticator is not None:
        try:
            claims = runtime.authenticator.verify_token(token, runtime)
        except ProjectError:
            return "address", address_of(request)
        if claims.get("sub") is not None:
            return "account", str(claims["sub"])
    return "address", address_of(request)


def address_of(request: Request) -> str:
    """Return the client's address; of IPv6 the network, whose addresses one client has all.

    It is the server that believes X-Forwarded-For, and of TRUSTED_PROXIES alone.
    """
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host  # a socket of this machine, or a test's client
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, NETWORK_OF_IPV6), strict=False))

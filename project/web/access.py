"""Who may call a route, read from the route itself: its dependencies, its providers.

That a token is needed follows from what FastAPI asks of a request. Who of those that have signed
in gets through is known by the function that refuses the others, and said right above it:

    @permits("owner", "staff")
    def changeable_item(session: DbSession, principal: CurrentPrincipal, item_id: PathId): ...

One that looks at the token and says nothing is called by its name, so none is overlooked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar, get_args, get_origin

from fastapi.params import Depends
from fastapi.routing import RouteContext
from fastapi.security.base import SecurityBase

from project.web.transaction import Function, inspect_call

F = TypeVar("F", bound=Function)

PERMITS_ATTRIBUTE = "__permits__"


class SignIn(StrEnum):
    """Whether a route wants to know who calls."""

    NONE = "public"
    OPTIONAL = "bearer, optional"
    REQUIRED = "bearer"
    UNKNOWN = "-"
    """It is no route of FastAPI's: a mounted application decides for itself."""


@dataclass(frozen=True)
class Access:
    """Who may call a route: each of `permits` is a condition, and all of them count."""

    sign_in: SignIn
    permits: tuple[str, ...] = ()

    def __str__(self) -> str:
        conditions = " + ".join(self.permits)
        return f"{self.sign_in}: {conditions}" if conditions else str(self.sign_in)


def permits(*who: str) -> Callable[[F], F]:
    """Say whom a provider or a dependency lets through; nobody named is whoever has signed in."""

    def mark(function: F) -> F:
        setattr(function, PERMITS_ATTRIBUTE, who)
        return function

    return mark


def access_of(route: RouteContext) -> Access:
    """Read who may call the route, where it is included, with what its routers add."""
    dependant = getattr(route, "dependant", None)
    if dependant is None:
        return Access(SignIn.UNKNOWN)
    asked = [dependency.call for dependency in dependant.dependencies]
    roots = [getattr(route.original_route, "written", route.endpoint), *asked]
    conditions = [found for root in roots for found in _conditions(root, is_root=True)]
    return Access(_sign_in(dependant), tuple(dict.fromkeys(conditions)))


def _sign_in(dependant: Any) -> SignIn:
    schemes = [one for one in _called(dependant) if isinstance(one, SecurityBase)]
    if any(getattr(scheme, "is_required", False) for scheme in schemes):
        return SignIn.REQUIRED
    return SignIn.OPTIONAL if schemes else SignIn.NONE


def _called(dependant: Any) -> Iterator[Any]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _called(dependency)


def _conditions(function: Any, *, is_root: bool = False) -> list[str]:
    """List the conditions of everything that a function asks for, then its own."""
    found = [condition for child in _children(function) for condition in _conditions(child)]
    who = getattr(function, PERMITS_ATTRIBUTE, None)
    if who is not None:
        return [*found, " or ".join(who)] if who else found
    if not found and not is_root and _looks_at_token(function):
        return [function.__name__]
    return found


def _looks_at_token(function: Any) -> bool:
    return any(
        isinstance(child, SecurityBase) or _looks_at_token(child) for child in _children(function)
    )


def _children(function: Any) -> list[Any]:
    """Return the providers and the dependencies that a function asks for."""
    try:
        call = inspect_call(function)
    except (NameError, TypeError):  # a class or an object, which asks for nothing of ours
        return []
    hints = [parameter.annotation for parameter in call.requested.values()]
    hints += [parameter.default for parameter in call.requested.values()]
    return [*call.provided.values(), *filter(None, map(_dependency, hints))]


def _dependency(hint: Any) -> Any:
    if isinstance(hint, Depends):
        return hint.dependency
    if get_origin(hint) is not Annotated:
        return None
    return next((mark.dependency for mark in get_args(hint) if isinstance(mark, Depends)), None)

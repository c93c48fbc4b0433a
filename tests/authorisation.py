"""What every route answers to everybody: one line for each, in the tests of the app that has it.

`tests/apps/<label>/authorisation.py` holds `ROUTES`: method and path, and what each actor is told.
`tests/test_authorisation.py` asks all of them, and fails for a route without a line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

ACTORS = ("anonymous", "user", "owner", "staff", "holder", "superuser")
"""Nobody; an account that has nothing to do with it; whose object it is; staff without any
permission; an account with the one that the route names, if it names one; who may do everything."""


@dataclass(frozen=True)
class Call:
    """What is sent: the values of the path, and the rest as the client takes it."""

    path: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


Prepare = Callable[[Any], Call]
"""Makes the objects that the call is about; it is given the account of the owner."""


def nothing(_owner: Any) -> Call:
    return Call()


@dataclass(frozen=True)
class Row:
    """What a route answers to each actor; `permission` is what the holder holds."""

    anonymous: int
    user: int
    owner: int
    staff: int
    holder: int
    superuser: int
    prepare: Prepare = nothing
    permission: str = ""


def public(status: int, prepare: Prepare = nothing) -> Row:
    """Everybody gets the same."""
    return Row(status, status, status, status, status, status, prepare)


def signed_in(status: int, prepare: Prepare = nothing) -> Row:
    """Whoever has signed in; it is about nobody else's."""
    return Row(401, status, status, status, status, status, prepare)


def of_owner(
    status: int, prepare: Prepare, *, others: int = 403, staff: int = 0, permission: str = ""
) -> Row:
    """The owner, superusers, who holds the permission; staff as well unless told otherwise."""
    staff = staff or status
    return Row(401, others, status, staff, status, status, prepare, permission)


def own(status: int, prepare: Prepare) -> Row:
    """The owner alone; to all others, superusers included, it is not there."""
    return Row(401, 404, status, 404, 404, 404, prepare)


def of_staff(status: int, prepare: Prepare = nothing, *, permission: str = "") -> Row:
    """Staff alone, and who holds the permission."""
    return Row(401, 403, 403, status, status, status, prepare, permission)

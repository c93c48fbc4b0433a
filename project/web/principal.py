"""Who is asking: the seam between apps that need to know and the one app that does.

An app with an `identity.py` that defines `authenticator` answers for everybody; other apps
know only the protocols on this page. That keeps accounts replaceable.
"""

import math
import random
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Protocol, runtime_checkable

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.orm import Session

from project.errors import Forbidden, ImproperlyConfigured, Unauthenticated
from project.runtime import Runtime, runtime_of
from project.web.access import permits
from project.web.client import NOBODY, Client
from project.web.costs import note_user
from project.web.transaction import DbSession, InTransaction

Claims = Mapping[str, Any]
"""What a verified access token says; `exp`, if it is there, is when it ends, in Unix time."""

LONGEST_STREAM = 600.0


class Account(Protocol):
    """Somebody who can sign in."""

    @property
    def id(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def is_staff(self) -> bool: ...
    @property
    def is_superuser(self) -> bool: ...


class Principal(Account, Protocol):
    """Somebody who has signed in, or whose API key it is."""

    def has_permission(self, name: str) -> bool:
        """Whether they hold `items.change_item`, say; superusers hold everything.

        The first question reads all that they hold, in the request's own transaction: ask in
        a `def` route, in a provider or in a service.
        """
        ...


@runtime_checkable
class Authenticator(Protocol):
    """What an app's `identity.py` offers as `authenticator`."""

    def verify_token(self, token: str, runtime: Runtime) -> Claims:
        """Check an access token without the database. Raises Unauthenticated."""
        ...

    def load_principal(self, session: Session, claims: Claims) -> Principal:
        """Load who the token speaks of. Raises Unauthenticated if signed out or disabled."""
        ...

    async def check_password(
        self, runtime: Runtime, *, email: str, password: str
    ) -> Account | None:
        """Find the active account with these credentials; takes as long if there is none."""
        ...

    def ensure_superuser(self, session: Session, *, email: str, password: str) -> bool:
        """Create a superuser unless the account is one; tell whether it was created."""
        ...

    def find_principal(self, session: Session, principal_id: int) -> Account | None:
        """Load an active account by its id."""
        ...

    def start_browser_session(
        self,
        session: Session,
        account: Account,
        *,
        lifetime: timedelta,
        client: Client = NOBODY,
        is_code_verified: bool = False,
    ) -> str:
        """Begin a session that a cookie stands for, and return the cookie's random value.

        Refuses an account with a second factor unless `is_code_verified`.
        """
        ...

    def find_browser_principal(
        self, session: Session, cookie: str, *, idle: timedelta, is_use: bool = True
    ) -> Principal | None:
        """Load the active account behind a cookie; None once it is over, revoked or forgotten.

        What it holds is read with it, to be asked anywhere. It is forgotten when it was not used
        for `idle`; this call counts as a use, unless a page asked without anybody before it.
        """
        ...

    def end_browser_session(self, session: Session, cookie: str) -> None:
        """Revoke the session, so that the cookie is worth nothing to whoever kept it."""
        ...


@runtime_checkable
class EmailNormaliser(Protocol):
    """What an authenticator may offer, too, if one account's address can be written in many ways.

    Attempts to sign in are counted by what this returns: it has to be what the account is
    looked up by, or another spelling would have a count of its own.
    """

    def normalise(self, email: str) -> str:
        """Return the address as `check_password` looks it up; what is none, as it is."""
        ...


@runtime_checkable
class EntryCondition(Protocol):
    """What an authenticator may offer, too, if the right password is not always enough."""

    def require_ready(self, runtime: Runtime, account: Account) -> None:
        """Refuse an account that has to do something before it may sign in. Raises Forbidden."""
        ...


class BearerToken(OAuth2PasswordBearer):
    """The access token of a request, if it has one."""

    def __init__(self) -> None:
        super().__init__(
            tokenUrl="/api/v1/auth/token",
            auto_error=False,
            scheme_name="OAuth2PasswordBearer",
            description="An access token, or an API key (`lk_…`) in its place.",
        )


class VerifiedClaims(BearerToken):
    """Refuses a missing or forged token before anything else is looked at.

    A dependency that is the scheme itself: one that asks for it costs every request a step more.
    """

    is_required = True

    async def __call__(self, request: Request) -> Claims:  # type: ignore[override]
        token = await super().__call__(request)
        if not token:
            raise Unauthenticated("Send an access token: `Authorization: Bearer …`.")
        runtime = runtime_of(request)
        return authenticator_of(runtime).verify_token(token, runtime)


bearer_token = BearerToken()
verified_claims = VerifiedClaims()


@permits()
async def stream_seconds(claims: Annotated[Claims, Depends(verified_claims)]) -> float:
    """Say how long a stream may run: until the token ends, ten minutes at most.

    A stream looks at the account once, when it begins. Its end is when a session that was
    revoked, or an account that was deactivated, is noticed.
    """
    # Not all who began together shall come back together.
    longest = LONGEST_STREAM * random.uniform(0.9, 1.0)  # noqa: S311 - no secret
    left: float = claims.get("exp", math.inf) - time.time()
    if left <= 0:  # good for a request still, because clocks differ; not for a stream
        raise Unauthenticated("The access token ends: refresh it.")
    return min(longest, left)


StreamSeconds = Annotated[float, Depends(stream_seconds)]
"""Seconds that a stream for whoever signed in may run."""


def authenticator_of(runtime: Runtime) -> Authenticator:
    """Return the installed authenticator. Raises ImproperlyConfigured if there is none."""
    if runtime.authenticator is None:
        raise ImproperlyConfigured("No installed app has an identity.py, so nobody can sign in.")
    return runtime.authenticator


@permits()
def current_principal(
    session: DbSession, request: Request, claims: Annotated[Claims, Depends(verified_claims)]
) -> Principal:
    """Load the account behind the token, in the request's transaction."""
    principal = authenticator_of(runtime_of(request)).load_principal(session, claims)
    note_user(principal.id)
    return principal


CurrentPrincipal = Annotated[Principal, InTransaction(current_principal)]
"""Whoever signed in; 401 for everybody else."""


@permits("staff")
def current_staff(principal: CurrentPrincipal) -> Principal:
    """Let only staff through."""
    if not (principal.is_staff or principal.is_superuser):
        raise Forbidden("Only staff may do this.")
    return principal


CurrentStaff = Annotated[Principal, InTransaction(current_staff)]
"""A member of staff; 403 for everybody else who signed in."""

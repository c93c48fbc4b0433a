from typing import Annotated

from fastapi import Depends

from apps.users.api_keys import MARK, load_key_principal
from apps.users.errors import InvalidToken, NotYourAccount, SessionNeeded
from apps.users.models import User
from apps.users.queries import find_signed_in_user, get_user
from project.web.access import permits
from project.web.costs import note_user
from project.web.permissions import Requires, is_permitted
from project.web.principal import Claims, CurrentPrincipal, Principal, verified_claims
from project.web.schemas import PathId
from project.web.transaction import DbSession, InTransaction

VerifiedClaims = Annotated[Claims, Depends(verified_claims)]


@permits()
def session_user(session: DbSession, claims: VerifiedClaims) -> User:
    """Load the account behind an access token. Raises SessionNeeded for an API key."""
    if MARK in claims:
        load_key_principal(session, claims)  # a forged one hears 401
        raise SessionNeeded
    user = find_signed_in_user(session, user_id=claims["sub"], session_id=claims["sid"])
    if user is None:
        raise InvalidToken
    note_user(user.id)
    return user


@permits()
async def session_claims(claims: VerifiedClaims) -> Claims:
    """Verify an access token, for routes without a session. Raises SessionNeeded for an API key."""
    if MARK in claims:
        raise SessionNeeded
    return claims


SessionClaims = Annotated[Claims, Depends(session_claims)]
"""What the access token of a person says who signed in; not that of a program."""

SessionUser = Annotated[User, InTransaction(session_user)]
"""The account of a person who signed in: whoever manages an account takes this."""


@permits()
def current_user(session: DbSession, claims: VerifiedClaims) -> User:
    """Load the account behind the token or the API key, to be shown."""
    if MARK in claims:
        user = get_user(session, load_key_principal(session, claims).id)
        note_user(user.id)
        return user
    return session_user(session, claims)


CurrentUser = Annotated[User, InTransaction(current_user)]
"""The account that is signed in; who only wants to know who it is takes CurrentPrincipal."""

VIEW = "users.view_user"

UserViewer = Annotated[Principal, Requires(VIEW, or_staff=True)]
"""Whoever may look at all accounts: staff, and holders of the permission."""


@permits()
def session_principal(principal: CurrentPrincipal, claims: VerifiedClaims) -> Principal:
    """Let only those through who signed in. Raises SessionNeeded for an API key."""
    if MARK in claims:
        raise SessionNeeded
    return principal


SessionPrincipal = Annotated[Principal, InTransaction(session_principal)]
"""Whoever signed in, which a program with an API key has not."""


@permits("self", "staff", VIEW)
def visible_user(session: DbSession, viewer: CurrentPrincipal, user_id: PathId) -> User:
    """Load the account in the path: one's own, or any for whoever may look at all.

    Whoever may not look learns nothing: the refusal comes before the look-up.
    """
    if not (viewer.id == user_id or is_permitted(viewer, VIEW)):
        raise NotYourAccount
    return get_user(session, user_id)


VisibleUser = Annotated[User, InTransaction(visible_user)]
"""The account in the path, if the one who asks may see it."""

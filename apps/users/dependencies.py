from typing import Annotated

from fastapi import Depends

from apps.users.errors import InvalidToken, NotYourAccount, StaffNeedsTwoFactor
from apps.users.models import User
from apps.users.queries import find_signed_in_user, get_user
from apps.users.staff_factor import is_withheld
from project.web.access import permits
from project.web.principal import Claims, verified_claims
from project.web.schemas import PathId
from project.web.transaction import DbSession, InTransaction


@permits()
def current_user(session: DbSession, claims: Annotated[Claims, Depends(verified_claims)]) -> User:
    """Load the account behind the token, to be shown or changed."""
    user = find_signed_in_user(session, user_id=claims["sub"], session_id=claims["sid"])
    if user is None:
        raise InvalidToken
    return user


CurrentUser = Annotated[User, InTransaction(current_user)]
"""The account that is signed in; who only wants to know who it is takes CurrentPrincipal."""


@permits("self", "staff")
def visible_user(
    session: DbSession,
    viewer: CurrentUser,
    claims: Annotated[Claims, Depends(verified_claims)],
    user_id: PathId,
) -> User:
    """Load the account in the path: one's own, or any for staff.

    Whoever may not look learns nothing: the refusal comes before the look-up.
    """
    if viewer.id == user_id:
        return viewer
    if not (viewer.is_staff or viewer.is_superuser):
        raise NotYourAccount
    if is_withheld(claims, viewer):
        raise StaffNeedsTwoFactor
    return get_user(session, user_id)


VisibleUser = Annotated[User, InTransaction(visible_user)]
"""The account in the path, if the one who asks may see it."""

from typing import Annotated

from apps.users.errors import NotYourAccount
from apps.users.models import User
from apps.users.queries import get_user
from project.web.principal import current_principal, current_staff
from project.web.schemas import PathId
from project.web.transaction import DbSession, InTransaction

CurrentUser = Annotated[User, InTransaction(current_principal)]
"""The account that is signed in, loaded in the request's transaction."""

StaffUser = Annotated[User, InTransaction(current_staff)]
"""The same, and a member of staff."""


def visible_user(session: DbSession, viewer: CurrentUser, user_id: PathId) -> User:
    """Load the account in the path: one's own, or any for staff.

    Whoever may not look learns nothing: the refusal comes before the look-up.
    """
    if viewer.id == user_id:
        return viewer
    if not (viewer.is_staff or viewer.is_superuser):
        raise NotYourAccount
    return get_user(session, user_id)


VisibleUser = Annotated[User, InTransaction(visible_user)]
"""The account in the path, if the one who asks may see it."""

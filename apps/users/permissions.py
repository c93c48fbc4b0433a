"""What accounts hold: their own permissions, and those of their groups."""

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, bindparam, func, select, union
from sqlalchemy.orm import Session

from apps.users.models import GroupPermission, User, UserGroup, UserPermission
from project.db.units import is_at_work
from project.errors import ProjectError

USERS = User.__table__
OWN, MEMBERSHIPS = UserPermission.__table__, UserGroup.__table__
OF_GROUPS = GroupPermission.__table__


class AskedTooLate(ProjectError):
    """Permissions were asked for where there is no transaction to read them in; a bug."""

    def __init__(self) -> None:
        super().__init__(
            "What somebody is permitted is read in the request's own transaction: take "
            "Requires(…), or ask in a provider (project/web/permissions.py)."
        )


def held_by(user_id: ColumnElement[int]) -> ColumnElement[list[str]]:
    """Return, as one array to select beside other columns, the permissions of an account."""
    own = select(OWN.c.permission).where(OWN.c.user_id == user_id).correlate(USERS)
    of_groups = (
        select(OF_GROUPS.c.permission)
        .join(MEMBERSHIPS, MEMBERSHIPS.c.group_id == OF_GROUPS.c.group_id)
        .where(MEMBERSHIPS.c.user_id == user_id)
        .correlate(USERS)
    )
    names = union(own, of_groups).scalar_subquery()
    return func.array(names, type_=ARRAY(String))


HELD = select(held_by(bindparam("user_id")))


def held_permissions(session: Session, user_id: int) -> frozenset[str]:
    """Return all that an account holds, those that no app knows any more among it."""
    return frozenset(session.execute(HELD, {"user_id": user_id}).scalar_one())


class SignedIn:
    """Who asks, as far as most requests want to know: a plain row costs less than an entity.

    What they hold is read with the first question for it, with one statement, unless it is
    given. An API key of theirs holds its scopes and is never staff.
    """

    __slots__ = (
        "_held",
        "_session",
        "email",
        "has_two_factor",
        "id",
        "is_staff",
        "is_superuser",
    )

    id: int
    email: str
    is_staff: bool
    is_superuser: bool
    has_two_factor: bool

    def __init__(
        self,
        row: Any,
        *,
        session: Session | None = None,
        held: frozenset[str] | None = None,
    ) -> None:
        self.id, self.email, self.is_staff, self.is_superuser, self.has_two_factor = row
        self._session = session
        self._held = held

    def has_permission(self, name: str) -> bool:
        """Whether they hold a permission; superusers hold all. Raises AskedTooLate."""
        if self.is_superuser:
            return True
        if self._held is None:
            if self._session is None or not is_at_work():
                raise AskedTooLate
            self._held = held_permissions(self._session, self.id)
        return name in self._held

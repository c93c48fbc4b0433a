"""Roles: who holds what, and who may say so.

Nobody hands out what they do not have. Whoever may change accounts, and is no superuser, makes
nobody staff or superuser, grants and takes away only permissions and groups that are within
their own, and leaves alone the accounts of those who hold more: a password that one may set is
an account that one can have. The admin and every other edge ask here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from apps.users.errors import AccountProtected, LastSuperuser, SuperusersOnly
from apps.users.models import Group, GroupPermission, User, UserGroup, UserPermission
from apps.users.permissions import held_permissions
from project.errors import PermissionDenied
from project.web.principal import Principal

FLAGS = ("is_staff", "is_superuser")
LOCK = 0x6C6B_5355
"""Held by whoever takes a superuser away, until the commit: two at once would leave none."""


def guard_account(
    session: Session, *, actor: Principal, user: User | None, changes: Mapping[str, Any]
) -> None:
    """Refuse changes (or deletion) of an account, or a new one, that reach beyond the actor.

    `changes` may name `groups` (ids) and `permissions` as well. Raises AccountProtected,
    SuperusersOnly or PermissionDenied.
    """
    if actor.is_superuser:
        return
    if user is not None and user.id != actor.id:
        _refuse_higher(session, actor, user)
    if any(bool(changes[flag]) != getattr(user, flag, False) for flag in FLAGS if flag in changes):
        raise SuperusersOnly
    if "permissions" in changes:
        own = own_permissions(session, user)
        _refuse_foreign(actor, own.symmetric_difference(changes["permissions"]))
    if "groups" in changes:
        changed = groups_of(session, user).symmetric_difference(changes["groups"])
        _refuse_foreign(actor, given_by(session, changed))


def guard_group(
    session: Session, *, actor: Principal, group: Group | None, permissions: Iterable[str]
) -> None:
    """Refuse to give a group these permissions if the change reaches beyond the actor.

    A group that is deleted gives none. Raises PermissionDenied.
    """
    if not actor.is_superuser:
        before = frozenset() if group is None else given_by(session, [group.id])
        _refuse_foreign(actor, before.symmetric_difference(permissions))


def require_another_superuser(session: Session, *, than: User) -> None:
    """Raise LastSuperuser if nobody else is one, and let nobody else take one away meanwhile."""
    if not (than.is_superuser and than.is_active):
        return
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    # A statement of its own: it sees what the one who held the lock has committed.
    others = select(User.id).where(User.is_superuser, User.is_active, User.id != than.id)
    if session.scalar(others.limit(1)) is None:
        raise LastSuperuser


def own_permissions(session: Session, user: User | None) -> frozenset[str]:
    """Return what an account holds by itself; nothing for one that is yet to come."""
    if user is None:
        return frozenset()
    own = select(UserPermission.permission).where(UserPermission.user_id == user.id)
    return frozenset(session.scalars(own))


def groups_of(session: Session, user: User | None) -> frozenset[int]:
    """Return the ids of an account's groups."""
    if user is None:
        return frozenset()
    own = select(UserGroup.group_id).where(UserGroup.user_id == user.id)
    return frozenset(session.scalars(own))


def given_by(session: Session, group_ids: Iterable[int]) -> frozenset[str]:
    """Return what these groups give."""
    of_groups = select(GroupPermission.permission).where(
        GroupPermission.group_id.in_(list(group_ids))
    )
    return frozenset(session.scalars(of_groups))


def set_user_permissions(session: Session, *, user: User, permissions: Iterable[str]) -> None:
    """Let an account hold exactly these by itself."""
    owner, name = UserPermission.user_id, UserPermission.permission
    _set_rows(session, owner, user.id, name, frozenset(permissions))
    _touch(session, user)


def set_user_groups(session: Session, *, user: User, groups: Iterable[int]) -> None:
    """Let an account be in exactly these groups (ids)."""
    _set_rows(session, UserGroup.user_id, user.id, UserGroup.group_id, frozenset(groups))
    _touch(session, user)


def set_group_permissions(session: Session, *, group: Group, permissions: Iterable[str]) -> None:
    """Let a group give exactly these."""
    owner, name = GroupPermission.group_id, GroupPermission.permission
    _set_rows(session, owner, group.id, name, frozenset(permissions))
    _touch(session, group)


def _set_rows(
    session: Session,
    owner: InstrumentedAttribute[int],
    owner_id: int,
    column: InstrumentedAttribute[Any],
    wanted: frozenset[Any],
) -> None:
    there = frozenset(session.scalars(select(column).where(owner == owner_id)))
    table = column.class_
    if there - wanted:
        session.execute(delete(table).where(owner == owner_id, column.in_(there - wanted)))
    if wanted - there:
        rows = [{owner.key: owner_id, column.key: value} for value in sorted(wanted - there)]
        session.execute(insert(table), rows)


def _touch(session: Session, row: User | Group) -> None:
    """Count a grant as a change of the row, so that two who edit it at once notice."""
    row.updated_at = func.now()
    session.flush()  # the lock of the row, and the grants, in this order for everybody


def _refuse_higher(session: Session, actor: Principal, user: User) -> None:
    if user.is_superuser or (user.is_staff and not actor.is_staff):
        raise AccountProtected
    if not all(map(actor.has_permission, held_permissions(session, user.id))):
        raise AccountProtected


def _refuse_foreign(actor: Principal, permissions: Iterable[str]) -> None:
    for permission in sorted(permissions):
        if not actor.has_permission(permission):
            raise PermissionDenied(permission)

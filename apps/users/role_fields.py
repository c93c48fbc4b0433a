"""Permissions and groups as boxes in the admin's forms."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.users import roles
from apps.users.models import Group
from project.admin.forms import CheckboxesField
from project.i18n import gettext, mark
from project.permissions import Permissions, describe
from project.web.principal import Principal

UNKNOWN = mark("Of no installed app")


def offer_permissions(
    field: CheckboxesField, known: Permissions, principal: Principal, chosen: Iterable[str]
) -> None:
    """Offer all permissions; those that the principal does not hold stay as they are."""
    chosen = frozenset(chosen)
    offered = {
        title: [(name, gettext(describe(name))) for name in names]
        for title, names in known.names.items()
    }
    left = sorted(name for name in chosen if name not in known)
    if left:
        offered[UNKNOWN] = [(name, name) for name in left]
    locked = {name for names in offered.values() for name, _ in names}
    locked = {name for name in locked if not principal.has_permission(name)}
    field.offer(offered, chosen=chosen, locked=locked)


def offer_groups(
    session: Session, field: CheckboxesField, principal: Principal, chosen: Iterable[int]
) -> None:
    """Offer all groups; those that give what the principal does not hold stay as they are."""
    groups = session.scalars(select(Group).order_by(Group.name)).all()
    locked = {
        str(group.id)
        for group in groups
        if not all(map(principal.has_permission, roles.given_by(session, [group.id])))
    }
    offered = {"": [(str(group.id), group.name) for group in groups]} if groups else {}
    field.offer(offered, chosen=map(str, chosen), locked=locked)

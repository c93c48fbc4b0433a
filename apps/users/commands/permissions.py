"""List all permissions and who holds them, grant some, or take them away.

With --grant or --revoke the first word says who, an account's address or `group:NAME`; the
others are permissions, or `group:NAME` to be put into a group. A group that is not there is made
when it is granted something.

    manage.py permissions --grant group:Editors items.add_item items.change_item
    manage.py permissions --grant ada@example.com group:Editors
"""

import argparse
from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.users import roles
from apps.users.models import Group, GroupPermission, User, UserGroup, UserPermission
from apps.users.queries import find_user_by_email
from project.errors import CommandError
from project.management import style
from project.management.environment import load_registry, open_database
from project.permissions import Permissions
from project.settings import load_settings

GROUP = "group:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    change = parser.add_mutually_exclusive_group()
    words = ("WHO", "NAME")
    given = "give an account, or a group, what is named"
    change.add_argument("--grant", nargs="+", metavar=words, help=given)
    change.add_argument("--revoke", nargs="+", metavar=words, help="take it away")


def handle(options: argparse.Namespace) -> None:
    known = Permissions.of(load_registry())
    with open_database(load_settings()) as database, database.transaction() as session:
        words = options.grant or options.revoke
        if words is None:
            _print_all(session, known)
        else:
            _change(session, known, *words, is_granted=options.grant is not None)


def _change(session: Session, known: Permissions, who: str, *names: str, is_granted: bool) -> None:
    permissions = {name for name in names if not name.startswith(GROUP)}
    groups = {name.removeprefix(GROUP) for name in names if name.startswith(GROUP)}
    if not names:
        raise CommandError(f"Say what {who} is to hold: a permission or group:NAME.", exit_code=2)
    for name in permissions:
        if is_granted and name not in known:
            raise CommandError(f"'{name}' is no permission: {known.advise(name)}", exit_code=2)
    if who.startswith(GROUP):
        _change_group(session, who.removeprefix(GROUP), permissions, groups, is_granted=is_granted)
    else:
        _change_user(session, who, permissions, groups, is_granted=is_granted)
    verb = "now holds" if is_granted else "does not hold any more"
    print(f"{who} {verb}: {', '.join(names)}.")


def _change_user(
    session: Session, email: str, permissions: set[str], groups: set[str], *, is_granted: bool
) -> None:
    user = find_user_by_email(session, email)
    if user is None:
        raise CommandError(f"There is no account {email}.")
    ids = {_find_group(session, name).id for name in groups}
    held, places = roles.own_permissions(session, user), roles.groups_of(session, user)
    roles.set_user_permissions(
        session, user=user, permissions=held | permissions if is_granted else held - permissions
    )
    roles.set_user_groups(session, user=user, groups=places | ids if is_granted else places - ids)


def _change_group(
    session: Session, name: str, permissions: set[str], groups: set[str], *, is_granted: bool
) -> None:
    if groups:
        raise CommandError("A group is in no other group.", exit_code=2)
    group = _find_group(session, name, is_made=is_granted)
    given = roles.given_by(session, [group.id])
    wanted = given | permissions if is_granted else given - permissions
    roles.set_group_permissions(session, group=group, permissions=wanted)


def _find_group(session: Session, name: str, *, is_made: bool = False) -> Group:
    group = session.scalar(select(Group).where(Group.name == name))
    if group is None and not is_made:
        raise CommandError(
            f"There is no group '{name}': grant it something first, and it will be made."
        )
    if group is None:
        group = Group(name=name)
        session.add(group)
        session.flush()  # group.id
    return group


def _print_all(session: Session, known: Permissions) -> None:
    holders = _holders(session)
    width = max(map(len, [*known, *holders]), default=0)
    left = {"Of no installed app": tuple(sorted(holders.keys() - set(known)))}
    for title, names in {**known.names, **{k: v for k, v in left.items() if v}}.items():
        print(style.heading(title))
        for name in names:
            print(f"  {name.ljust(width)}  {', '.join(holders[name])}".rstrip())
    _print_groups(session)


def _holders(session: Session) -> dict[str, list[str]]:
    """Return, by permission, the groups and accounts that hold it; superusers are not listed."""
    of_groups = select(GroupPermission.permission, Group.name).join(
        Group, Group.id == GroupPermission.group_id
    )
    own = select(UserPermission.permission, User.email).join(
        User, User.id == UserPermission.user_id
    )
    holders: dict[str, list[str]] = defaultdict(list)
    for permission, name in session.execute(of_groups.order_by(Group.name)):
        holders[permission].append(f"{GROUP}{name}")
    for permission, email in session.execute(own.order_by(User.email)):
        holders[permission].append(email)
    return holders


def _print_groups(session: Session) -> None:
    members = (
        select(Group.name, User.email)
        .join(UserGroup, UserGroup.group_id == Group.id)
        .join(User, User.id == UserGroup.user_id)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for name, email in session.execute(members.order_by(Group.name, User.email)):
        found[name].append(email)
    if found:
        print(style.heading("Members of groups"))
    for name, emails in found.items():
        print(f"  {name}: {', '.join(emails)}")

"""Checks of accounts and of what they are permitted."""

from collections.abc import Iterator

from sqlalchemy import Connection, inspect, select, union

from apps.users.models import GroupPermission, User, UserPermission
from project.checks import Level, Problem, Subject, check_database

DEMO_ADMIN = "admin@example.com"
"""Whom `manage.py demo` makes: everybody who knows Lintel knows the name."""


@check_database("users")
def grants_are_known(subject: Subject, connection: Connection) -> Iterator[Problem]:
    """A grant outlives the app or the model that it was for, and permits nothing."""
    if not inspect(connection).has_table(UserPermission.__tablename__):
        return  # the migration is pending, which another check says
    granted = union(select(GroupPermission.permission), select(UserPermission.permission))
    for name in sorted(connection.scalars(granted)):
        if name not in subject.runtime.permissions:
            yield Problem(
                "users.W001",
                Level.WARNING,
                "It is granted, but no installed app has this permission.",
                hint="Install its app again, or `manage.py permissions --revoke` it.",
                obj=name,
            )


@check_database("users", deploy=True)
def demo_admin_is_gone(_: Subject, connection: Connection) -> Iterator[Problem]:
    known = select(User.id).where(User.email == DEMO_ADMIN, User.is_active, User.is_superuser)
    if connection.scalar(known) is not None:
        yield Problem(
            "users.W002",
            Level.WARNING,
            "The demo's account may do everything here.",
            hint="Make one of your own (createsuperuser) and deactivate this one in the admin.",
            obj=DEMO_ADMIN,
        )

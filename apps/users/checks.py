from collections.abc import Iterator

from sqlalchemy import Connection, inspect, select, union

from apps.users.models import GroupPermission, UserPermission
from project.checks import Level, Problem, Subject, check_database


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

"""Checks of the accounts in a place where strangers come."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from apps.users.models import User
from project.checks import Level, Problem, Subject, check_database

DEMO_ADMIN = "admin@example.com"
"""Whom `manage.py demo` makes: everybody who knows Lintel knows the name."""


@check_database("users", deploy=True)
def demo_admin_is_gone(_: Subject, connection: Connection) -> Iterator[Problem]:
    known = select(User.id).where(User.email == DEMO_ADMIN, User.is_active, User.is_superuser)
    if connection.scalar(known) is not None:
        yield Problem(
            "users.W001",
            Level.WARNING,
            "The demo's account may do everything here.",
            hint="Make one of your own (createsuperuser) and deactivate this one in the admin.",
            obj=DEMO_ADMIN,
        )

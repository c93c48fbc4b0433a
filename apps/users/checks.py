"""Checks of accounts and of what they are permitted."""

from collections.abc import Iterator

from sqlalchemy import Connection, inspect, select, union

from apps.users.mails import can_mail
from apps.users.models import GroupPermission, User, UserPermission
from apps.users.settings import UsersSettings
from project.checks import Problem, Subject, check, check_database

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
            "The demo's account may do everything here.",
            hint="Make one of your own (createsuperuser) and deactivate this one in the admin.",
            obj=DEMO_ADMIN,
        )


@check("users", deploy=True)
def accounts_can_be_mailed(subject: Subject) -> Iterator[Problem]:
    """Without mail nobody gets a forgotten password back."""
    settings = subject.settings
    missing = [
        name
        for name, value in (("MAIL_URL", settings.mail.mail_url), ("SITE_URL", settings.site_url))
        if value is None
    ]
    if missing:
        yield Problem(
            "users.W003",
            f"No mail about accounts leaves: {' and '.join(missing)} not set.",
            hint="A forgotten password, an address to be confirmed: both need a mail with a link.",
        )


@check("users", deploy=True)
def links_are_encrypted(subject: Subject) -> Iterator[Problem]:
    if (subject.settings.site_url or "https:").startswith("http:"):
        yield Problem(
            "users.W004",
            "SITE_URL is without TLS, so whoever listens reads the links in mails.",
            hint="SITE_URL=https://…",
        )


@check("users")
def verification_can_happen(subject: Subject) -> Iterator[Problem]:
    settings = subject.application.state.runtime.app_settings.of(UsersSettings)
    if settings.require_verified_email and not can_mail(subject.settings):
        yield Problem(
            "users.E001",
            "USERS_REQUIRE_VERIFIED_EMAIL is set, but no mail can leave: nobody who registers "
            "could ever sign in.",
            hint="Set MAIL_URL and SITE_URL.",
        )

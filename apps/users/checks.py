from collections.abc import Iterator

from apps.users.mails import can_mail
from apps.users.settings import UsersSettings
from project.checks import Level, Problem, Subject, check


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
            "users.W001",
            Level.WARNING,
            f"No mail about accounts leaves: {' and '.join(missing)} not set.",
            hint="A forgotten password, an address to be confirmed: both need a mail with a link.",
        )


@check("users", deploy=True)
def links_are_encrypted(subject: Subject) -> Iterator[Problem]:
    if (subject.settings.site_url or "https:").startswith("http:"):
        yield Problem(
            "users.W002",
            Level.WARNING,
            "SITE_URL is without TLS, so whoever listens reads the links in mails.",
            hint="SITE_URL=https://…",
        )


@check("users")
def verification_can_happen(subject: Subject) -> Iterator[Problem]:
    settings = subject.application.state.runtime.app_settings.of(UsersSettings)
    if settings.require_verified_email and not can_mail(subject.settings):
        yield Problem(
            "users.E001",
            Level.ERROR,
            "USERS_REQUIRE_VERIFIED_EMAIL is set, but no mail can leave: nobody who registers "
            "could ever sign in.",
            hint="Set MAIL_URL and SITE_URL.",
        )

"""The mails about accounts, and the links in them."""

from loguru import logger
from sqlalchemy.orm import Session

from project.mail.message import InvalidMessage, Message, masked
from project.mail.posting import post
from project.mail.rendering import render_mail
from project.runtime import Runtime
from project.settings import Settings
from project.templating import Templates


def can_mail(settings: Settings) -> bool:
    """Whether somebody takes mail here, and the links in it have a place to lead to."""
    has_mailer = settings.mail.mail_url is not None or not settings.is_deployed
    return has_mailer and settings.site_url is not None


def link_to(settings: Settings, path: str) -> str:
    """Return an address of this site: from SITE_URL, never from what a request says of itself."""
    return f"{settings.site_url}{path}"


def post_mail(session: Session, runtime: Runtime, name: str, to: str, /, **context: object) -> None:
    """Send `mails/users/<name>` once the transaction is committed, where mail leaves at all."""
    mail = write_mail(runtime.settings, runtime.templates, name, to, **context)
    if mail is not None:
        post(session, runtime, mail)


def write_mail(
    settings: Settings, templates: Templates, name: str, to: str, /, **context: object
) -> Message | None:
    """Render `mails/users/<name>`; None where no mail leaves, or none that could be addressed."""
    if not can_mail(settings):
        return None
    reset = link_to(settings, "/account/reset")
    try:
        return render_mail(templates, f"users/{name}", to, reset_link=reset, **context)
    except InvalidMessage:  # registration takes addresses that no mail can be sent to
        logger.warning("No mail can be addressed to {}", masked(to))
        return None

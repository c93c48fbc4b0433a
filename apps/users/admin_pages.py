"""What staff do with an account besides changing it: another password, a link to one."""

from typing import Any

from sqlalchemy.orm import Session
from wtforms import Form, PasswordField
from wtforms.validators import InputRequired, Length

from apps.users import credentials
from apps.users.email_flows import send_reset
from apps.users.events import log_when_saved
from apps.users.mails import can_mail, post_mail
from apps.users.models import User
from apps.users.password_rules import MAXIMUM_LENGTH, MINIMUM_LENGTH
from apps.users.passwords import hash_new_password
from project.admin.objects.object_page import ObjectPage
from project.i18n import mark
from project.mail.mailers import ConsoleMailer
from project.runtime import Runtime
from project.web.principal import Principal


class PasswordForm(Form):  # type: ignore[misc]  # WTForms is untyped
    password = PasswordField(
        "New password",
        validators=[InputRequired(), Length(MINIMUM_LENGTH, MAXIMUM_LENGTH)],
        description=f"At least {MINIMUM_LENGTH} characters.",
        render_kw={"class": "form-control", "autocomplete": "new-password"},
    )


class PasswordPage(ObjectPage):
    """Sets a password for somebody else, who is told by mail."""

    name, label = "password", "Change password"
    explanation = "All their sign-ins and API keys end, and they are told by mail."
    done = "The password is changed."
    form = PasswordForm

    async def prepare_values(self, runtime: Runtime, row: User, values: dict[str, Any]) -> None:
        """Hash the password where hashing has a lane of its own, before any connection is held."""
        values["password_hash"] = await runtime.lanes.hash.run(
            hash_new_password, values.pop("password"), email=row.email, full_name=row.full_name
        )

    def save(
        self,
        session: Session,
        runtime: Runtime,
        row: User,
        values: dict[str, Any],
        principal: Principal,  # noqa: ARG002 - `authorise` has asked
    ) -> None:
        credentials.set_password(session, user=row, password_hash=values["password_hash"])
        log_when_saved(session, "password_set", "Password set in the admin", user_id=row.id)
        post_mail(session, runtime, "password_changed", row.email)


class ResetLinkPage(ObjectPage):
    """Mails the link that the account's owner would get for a forgotten password."""

    name, label = "reset-link", "Send a link to a new password"
    explanation = "They get a mail with a link that works once. Until then nothing changes."
    done = "A link is on its way, if they have a password and got none within the last minute."
    printed = mark(
        "No mail leaves this machine: the link is printed where the server runs, if they have a "
        "password and got none within the last minute."
    )

    def is_offered(self, runtime: Runtime, row: User) -> bool:
        return can_mail(runtime.settings) and row.is_active

    def said_when_done(self, runtime: Runtime) -> str:
        return self.printed if isinstance(runtime.mailer, ConsoleMailer) else self.done

    def save(
        self,
        session: Session,
        runtime: Runtime,
        row: User,
        values: dict[str, Any],  # noqa: ARG002 - there is only a button
        principal: Principal,  # noqa: ARG002 - `authorise` has asked
    ) -> None:
        send_reset(session, runtime, email=row.email)
        log_when_saved(session, "reset_sent", "Link to a password sent by staff", user_id=row.id)

from typing import ClassVar

from pydantic import TypeAdapter
from sqlalchemy.orm import Session
from wtforms import Field, Form, PasswordField, ValidationError
from wtforms.validators import Length, Optional

from apps.users import credentials, services
from apps.users.models import User
from apps.users.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH, hash_password
from apps.users.validation import Email
from project.admin.views import ModelAdmin, Values
from project.runtime import Runtime

_email = TypeAdapter[str](Email)


def _check_email(form: Form, field: Field) -> None:  # noqa: ARG001 - WTForms passes both
    try:
        field.data = _email.validate_python(field.data)
    except ValueError:
        raise ValidationError("This is not an email address.") from None


class UserForm(Form):  # type: ignore[misc]  # WTForms is untyped
    """The password is typed in; what the database keeps of it is never in a form."""

    password = PasswordField(
        "New password",
        validators=[Optional(), Length(MINIMUM_LENGTH, MAXIMUM_LENGTH)],
        description=(
            f"At least {MINIMUM_LENGTH} characters. Left empty, an account keeps the password "
            "that it has; a new one has none and cannot sign in."
        ),
        render_kw={"class": "form-control", "autocomplete": "new-password"},
    )


class UserAdmin(ModelAdmin, model=User):
    column_list = (
        User.id,
        User.email,
        User.full_name,
        User.is_active,
        User.is_staff,
        User.is_superuser,
        User.has_two_factor,
        User.created_at,
    )
    column_searchable_list = (User.email, User.full_name)
    column_sortable_list = (User.id, User.email, User.full_name, User.created_at)
    column_default_sort = (User.id, True)
    column_details_list = (*column_list, User.last_login_at, User.updated_at)
    column_labels: ClassVar = {
        "full_name": "Name",
        "is_active": "Active",
        "is_staff": "Staff",
        "is_superuser": "Superuser",
        "has_two_factor": "Two-factor",
        "created_at": "Created",
        "last_login_at": "Last sign-in",
        "updated_at": "Last change",
    }
    form_base_class = UserForm
    form_columns = (
        User.email,
        User.full_name,
        User.is_active,
        User.is_staff,
        User.is_superuser,
    )
    # The account of somebody else: the browser shall not fill in who sits before it.
    form_widget_args: ClassVar = {"email": {"autocomplete": "off", "inputmode": "email"}}
    form_args: ClassVar = {
        "email": {"validators": [_check_email]},
        "is_active": {"description": "Whoever is not active is signed out and stays out."},
        "is_staff": {"description": "May read and change what others own, through the API."},
        "is_superuser": {"description": "May do everything, here as well."},
    }

    async def prepare_values(self, runtime: Runtime, values: Values) -> None:
        """Hash the password where hashing has a lane of its own, before any connection is held."""
        password = values.pop("password", "")
        if password:
            values["password_hash"] = await runtime.lanes.hash.run(hash_password, password)

    def create_row(self, session: Session, values: Values) -> User:
        is_active = values.pop("is_active")
        user = services.create_user(
            session, password_hash=values.pop("password_hash", None), **values
        )
        user.is_active = is_active
        return user

    def update_row(self, session: Session, row: User, values: Values) -> None:
        password_hash = values.pop("password_hash", None)
        super().update_row(session, row, values)
        if password_hash is not None:
            credentials.set_password(session, user=row, password_hash=password_hash)


views = (UserAdmin,)

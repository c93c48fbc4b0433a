from collections.abc import Mapping, Sequence
from datetime import date
from typing import ClassVar

from pydantic import TypeAdapter
from sqlalchemy.orm import Session
from wtforms import Field, Form, PasswordField, ValidationError
from wtforms.validators import Length, Optional

from apps.users import queries, roles, services
from apps.users.admin_pages import PasswordPage, ResetLinkPage
from apps.users.errors import CommonPassword, SimilarPassword
from apps.users.events import log_when_saved
from apps.users.mails import post_mail
from apps.users.models import ApiKey, Group, User
from apps.users.password_rules import MAXIMUM_LENGTH, MINIMUM_LENGTH, refuse_weak_password
from apps.users.passwords import hash_new_password
from apps.users.role_fields import offer_groups, offer_permissions
from apps.users.validation import Email
from project.admin.actions import action
from project.admin.dashboard.panels import DailyPlot
from project.admin.forms import CheckboxesField
from project.admin.objects.matrix import MatrixField
from project.admin.recording import Actor
from project.admin.views import ModelAdmin, Values
from project.i18n import gettext
from project.runtime import Runtime
from project.web.principal import Principal

_email = TypeAdapter[str](Email)


def _check_email(form: Form, field: Field) -> None:  # noqa: ARG001 - WTForms passes both
    try:
        field.data = _email.validate_python(field.data)
    except ValueError:
        raise ValidationError(gettext("This is not an email address.")) from None


def _check_password(form: Form, field: Field) -> None:
    """Ask the service's rule here, too, so that it is said beside the form's other mistakes."""
    if field.errors or len(field.data) > MAXIMUM_LENGTH:
        return
    email, name = (form[known].data or "" for known in ("email", "full_name"))
    try:
        refuse_weak_password(field.data, email=email, full_name=name)
    except (CommonPassword, SimilarPassword) as error:
        raise ValidationError(f"{gettext(error.title)}.") from None


class UserForm(Form):  # type: ignore[misc]  # WTForms is untyped
    """The password is typed in; what the database keeps of it is never in a form."""

    password = PasswordField(
        "Password",
        validators=[Optional(), Length(MINIMUM_LENGTH, MAXIMUM_LENGTH), _check_password],
        description=(
            f"At least {MINIMUM_LENGTH} characters. An account without one cannot sign in."
        ),
        render_kw={"class": "form-control", "autocomplete": "new-password"},
    )
    groups = CheckboxesField("Groups", description="Roles: each gives its permissions.")
    permissions = MatrixField("Permissions", description="Besides those of the groups.")


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
    column_searchable_list = ("=id", User.email, User.full_name)
    list_filter = (
        User.is_active,
        User.is_staff,
        User.is_superuser,
        User.has_two_factor,
        User.last_login_at,
    )
    date_hierarchy = User.created_at
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
    actions = ("activate", "deactivate")
    form_base_class = UserForm
    object_pages = (PasswordPage, ResetLinkPage)
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
        "is_staff": {
            "description": "May come in here, and read and change what others own, through the API."
        },
        "is_superuser": {"description": "May do everything, here as well."},
    }

    async def prepare_values(self, runtime: Runtime, values: Values) -> None:
        """Hash the password where hashing has a lane of its own, before any connection is held."""
        password = values.pop("password", "")
        if password:
            values["password_hash"] = await runtime.lanes.hash.run(
                hash_new_password,
                password,
                email=values.get("email") or "",
                full_name=values.get("full_name"),
            )
        if "groups" in values:
            values["groups"] = frozenset(map(int, values["groups"]))

    def authorise(
        self,
        session: Session,
        principal: Principal,
        action: str,  # noqa: ARG002 - the same holds for all
        row: User | None,
        values: Values,
    ) -> None:
        roles.guard_account(session, actor=principal, user=row, changes=values)

    def adapt_form(
        self, session: Session, form: Form, principal: Principal, row: User | None
    ) -> None:
        if not principal.is_superuser:
            for flag in roles.FLAGS:
                del form[flag]
        if row is not None:
            del form["password"]  # it has a page of its own
        held, groups = roles.own_permissions(session, row), roles.groups_of(session, row)
        offer_permissions(form["permissions"], self.runtime.permissions, principal, held)
        offer_groups(session, form["groups"], principal, groups)

    def create_row(self, session: Session, values: Values) -> User:
        granted = _take_roles(values)
        is_active = values.pop("is_active")
        user = services.create_user(
            session, password_hash=values.pop("password_hash", None), **values
        )
        user.is_active = is_active
        _set_roles(session, user, granted)
        return user

    def update_row(self, session: Session, row: User, values: Values) -> None:
        granted, before = _take_roles(values), row.email
        services.change_user(session, user=row, changes=values)
        _set_roles(session, row, granted)
        if row.email != before:  # whoever owns the account hears of it where they used to
            log_when_saved(session, "email_set", "Address set in the admin", user_id=row.id)
            post_mail(session, self.runtime, "email_changed", before, new_email=row.email)

    def delete_row(self, session: Session, row: User) -> None:
        services.delete_user(session, user=row)

    @action(label="Activate", applies=lambda user: not user.is_active)
    def activate(
        self,
        session: Session,
        actor: Actor,  # noqa: ARG002 - `authorise` was asked
        rows: Sequence[User],
        values: Values,  # noqa: ARG002 - no form
    ) -> int:
        return _set_active(session, rows, is_active=True)

    @action(
        label="Deactivate",
        confirm="Whoever is not active is signed out, loses all API keys, and stays out.",
        applies=lambda user: user.is_active,
    )
    def deactivate(
        self,
        session: Session,
        actor: Actor,  # noqa: ARG002 - `authorise` was asked
        rows: Sequence[User],
        values: Values,  # noqa: ARG002 - no form
    ) -> int:
        return _set_active(session, rows, is_active=False)


def _set_active(session: Session, users: Sequence[User], *, is_active: bool) -> int:
    others = [user for user in users if user.is_active != is_active]
    for user in others:
        services.change_user(session, user=user, changes={"is_active": is_active})
    return len(others)


def _take_roles(values: Values) -> Values:
    return {name: values.pop(name) for name in ("groups", "permissions") if name in values}


def _set_roles(session: Session, user: User, granted: Values) -> None:
    if "groups" in granted:
        roles.set_user_groups(session, user=user, groups=granted["groups"])
    if "permissions" in granted:
        roles.set_user_permissions(session, user=user, permissions=granted["permissions"])


class GroupForm(Form):  # type: ignore[misc]  # WTForms is untyped
    permissions = MatrixField("Permissions", description="Whoever is in the group holds them.")


class GroupAdmin(ModelAdmin, model=Group):
    column_list = (Group.id, Group.name, Group.created_at, Group.updated_at)
    column_searchable_list = (Group.name,)
    column_sortable_list = (Group.id, Group.name)
    column_default_sort = (Group.name, False)
    column_labels: ClassVar = {"created_at": "Created", "updated_at": "Last change"}
    form_base_class = GroupForm
    form_columns = (Group.name,)

    def authorise(
        self, session: Session, principal: Principal, action: str, row: Group | None, values: Values
    ) -> None:
        if action == "delete" or "permissions" in values:
            wanted = values.get("permissions", ())
            roles.guard_group(session, actor=principal, group=row, permissions=wanted)

    def adapt_form(
        self, session: Session, form: Form, principal: Principal, row: Group | None
    ) -> None:
        given = frozenset() if row is None else roles.given_by(session, [row.id])
        offer_permissions(form["permissions"], self.runtime.permissions, principal, given)

    def create_row(self, session: Session, values: Values) -> Group:
        permissions = values.pop("permissions", ())
        group = Group(**values)
        session.add(group)
        session.flush()  # group.id
        roles.set_group_permissions(session, group=group, permissions=permissions)
        return group

    def update_row(self, session: Session, row: Group, values: Values) -> None:
        permissions = values.pop("permissions", None)
        super().update_row(session, row, values)
        if permissions is not None:
            roles.set_group_permissions(session, group=row, permissions=permissions)


class ApiKeyAdmin(ModelAdmin, model=ApiKey):
    """To see what is in use, and to end it. Keys are made by their owners."""

    name, name_plural = "API key", "API keys"
    can_create = can_edit = False
    column_list = (
        *(ApiKey.id, ApiKey.name, ApiKey.prefix, ApiKey.user_id),
        *(ApiKey.expires_at, ApiKey.last_used_at, ApiKey.revoked_at),
    )
    column_details_list = (*column_list, ApiKey.scopes, ApiKey.created_at)
    column_searchable_list = (ApiKey.name, ApiKey.prefix)
    column_sortable_list = (ApiKey.id, ApiKey.expires_at, ApiKey.last_used_at)
    column_default_sort = (ApiKey.id, True)
    list_filter = (ApiKey.expires_at, ApiKey.last_used_at, ApiKey.revoked_at)
    column_labels: ClassVar = {
        "user_id": "Account",
        "expires_at": "Ends",
        "last_used_at": "Last use",
        "revoked_at": "Revoked",
        "created_at": "Created",
    }

    def authorise(
        self,
        session: Session,
        principal: Principal,
        action: str,  # noqa: ARG002 - the same holds for all
        row: ApiKey | None,
        values: Values,  # noqa: ARG002 - a key has none to change
    ) -> None:
        owner = None if row is None else session.get_one(User, row.user_id)
        roles.guard_account(session, actor=principal, user=owner, changes={})


class SignUps(DailyPlot):
    title, permission = "Sign-ups", "users.view_user"

    def daily(self, session: Session, since: date) -> Mapping[date, int]:
        return queries.sign_ups_by_day(session, since=since)


panels = (SignUps(),)
views = (UserAdmin, GroupAdmin, ApiKeyAdmin)

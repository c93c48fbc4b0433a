"""Shapes that both versions of the API use."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from apps.users.models import EMAIL_LENGTH
from apps.users.password_rules import MAXIMUM_LENGTH
from apps.users.validation import Email, FullName, Password
from project.web.schemas import Schema, Storable

CODE_LENGTH = 64


class UserCreate(Schema):
    email: Email
    password: Password
    full_name: FullName | None = None


class UserUpdate(Schema):
    full_name: FullName | None


class UserRead(Schema):
    id: int
    email: str
    full_name: str | None
    is_active: bool
    created_at: datetime


class TokenForm(Schema):
    """OAuth2's password form; `username` is the email."""

    username: Annotated[str, Field(max_length=EMAIL_LENGTH), Storable]
    password: Annotated[str, Field(max_length=MAXIMUM_LENGTH), Storable]
    grant_type: Literal["password"] = "password"
    otp: Annotated[str, Field(max_length=CODE_LENGTH), Storable] | None = None
    """A code of the second factor, or a recovery code; for accounts that have one."""


class RefreshRequest(Schema):
    refresh_token: Annotated[str, Field(max_length=200), Storable]


class TokenPair(Schema):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - OAuth2's name for it
    expires_in: int
    """Seconds that the access token lives."""

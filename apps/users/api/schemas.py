"""Shapes that both versions of the API use."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, EmailStr, Field

from apps.users.models import EMAIL_LENGTH, NAME_LENGTH
from apps.users.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH
from project.web.schemas import Schema, Text

Email = Annotated[EmailStr, Field(max_length=EMAIL_LENGTH), AfterValidator(str.lower)]
FullName = Annotated[Text, Field(min_length=1, max_length=NAME_LENGTH)]
Password = Annotated[Text, Field(min_length=MINIMUM_LENGTH, max_length=MAXIMUM_LENGTH)]
"""Any characters, long ones welcome; no rules on composition (OWASP ASVS 6.2)."""


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

    username: Annotated[Text, Field(max_length=EMAIL_LENGTH)]
    password: Annotated[Text, Field(max_length=MAXIMUM_LENGTH)]
    grant_type: Literal["password"] = "password"


class RefreshRequest(Schema):
    refresh_token: Annotated[Text, Field(max_length=200)]


class TokenPair(Schema):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - OAuth2's name for it
    expires_in: int
    """Seconds that the access token lives."""

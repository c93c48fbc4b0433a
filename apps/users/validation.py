"""What an account's fields may hold, for the API, the admin and the commands alike."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, EmailStr, Field, TypeAdapter, ValidationError

from apps.users.models import EMAIL_LENGTH, NAME_LENGTH
from apps.users.password_rules import MAXIMUM_LENGTH, MINIMUM_LENGTH
from project.web.schemas import Storable


def _refuse_display_name(value: object) -> object:
    if isinstance(value, str) and "<" in value:
        raise ValueError("must be an address alone, without a name")
    return value


Email = Annotated[
    EmailStr,
    BeforeValidator(_refuse_display_name),
    Field(max_length=EMAIL_LENGTH),
    AfterValidator(str.lower),
]
FullName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH), Storable]
Password = Annotated[str, Field(min_length=MINIMUM_LENGTH, max_length=MAXIMUM_LENGTH), Storable]
"""Any characters, long ones welcome; no rules on composition (OWASP ASVS 6.2)."""


_email = TypeAdapter[str](Email)


def normalise_email(text: str) -> str:
    """Write an address as registration would have; what is none comes back as it is."""
    try:
        return _email.validate_python(text)
    except ValidationError:
        return text

"""What an account's fields may hold, for the API, the admin and the commands alike."""

from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field

from apps.users.models import EMAIL_LENGTH, NAME_LENGTH
from apps.users.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH
from project.web.schemas import Storable

Email = Annotated[EmailStr, Field(max_length=EMAIL_LENGTH), AfterValidator(str.lower)]
FullName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH), Storable]
Password = Annotated[str, Field(min_length=MINIMUM_LENGTH, max_length=MAXIMUM_LENGTH), Storable]
"""Any characters, long ones welcome; no rules on composition (OWASP ASVS 6.2)."""

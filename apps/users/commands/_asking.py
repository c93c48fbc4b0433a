"""What the commands of accounts ask, of people and of the environment."""

import getpass
import os
import sys
from typing import Any

from pydantic import TypeAdapter, ValidationError

from apps.users.validation import Email, Password
from project.errors import CommandError


def require_terminal(*variables: str) -> None:
    """Raise CommandError, which names the way out, if there is nobody to ask."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise CommandError(
            "This is not a terminal, so nobody can be asked: pass --noinput and set "
            f"{' and '.join(variables)}."
        )


def read_variable(name: str) -> str:
    """Return an environment variable. Raises CommandError if it is not set."""
    value = os.environ.get(name, "")
    if not value:
        raise CommandError(f"{name} is not set.")
    return value


def ask_password() -> str:
    """Ask twice, unseen. Raises CommandError if the two differ."""
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password (again): "):
        raise CommandError("The two passwords are not the same.")
    return password


def valid_email(value: str) -> str:
    """Return the address as the API would keep it. Raises CommandError."""
    return _validate(Email, "email", value)


def valid_password(value: str) -> str:
    """Return the password. Raises CommandError with the reason, never the value."""
    return _validate(Password, "password", value)


def _validate(kind: Any, name: str, value: str) -> str:
    try:
        valid: str = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        reason = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise CommandError(f"This {name} will not do: {reason[0].lower()}{reason[1:]}.") from error
    return valid

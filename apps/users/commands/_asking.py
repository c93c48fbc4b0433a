"""What the commands of accounts ask, of people and of the environment."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import TypeAdapter, ValidationError

from apps.users.validation import Email, Password
from project.errors import CommandError, Invalid
from project.management.asking import is_terminal


def require_terminal(*variables: str) -> None:
    """Raise CommandError, which names the way out, if there is nobody to ask."""
    if not is_terminal():
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


def valid_email(value: str, variable: str = "") -> str:
    """Return the address as the API would keep it.

    Raises CommandError, which names the variable or the option that the address comes from.
    """
    return _validate(Email, "email", value, variable)


def find_password(variable: str) -> str:
    """Read the password from the variable, or ask for it where there is none.

    Raises CommandError with the reason, never the value.
    """
    password = read_variable(variable) if variable else ask_password()
    return _validate(Password, "password", password, variable)


@contextmanager
def password_of(variable: str) -> Iterator[None]:
    """Meanwhile, name the variable that holds the password when a rule refuses it."""
    try:
        yield
    except Invalid as error:
        raise CommandError(f"{variable}: {error}." if variable else f"{error}.") from error


def _validate(kind: Any, name: str, value: str, variable: str) -> str:
    try:
        valid: str = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        reason = error.errors(include_input=False, include_url=False)[0]["msg"].rstrip(".")
        what = variable or f"This {name}"
        raise CommandError(
            f"{what} will not do: {reason[0].lower()}{reason[1:]}.",
            exit_code=2 if what.startswith("--") else 1,
        ) from error
    return valid

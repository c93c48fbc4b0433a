"""Create an account that may do everything.

Asks for what is missing. With --noinput it reads SUPERUSER_EMAIL and SUPERUSER_PASSWORD
instead. An account that is a superuser already is left as it is, so the command can run on
every deployment.
"""

import argparse
import getpass
import os
import sys
from typing import Any

from pydantic import TypeAdapter, ValidationError

from apps.users.queries import is_superuser
from apps.users.services import ensure_superuser
from apps.users.validation import Email, Password
from project.errors import CommandError
from project.management.environment import load_registry, open_database
from project.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--email", help="the account's address")
    parser.add_argument("--noinput", action="store_true", help="ask nothing")


def handle(options: argparse.Namespace) -> int:
    if not options.noinput and not sys.stdin.isatty():
        raise CommandError(
            "This is not a terminal, so nobody can be asked: pass --noinput and set "
            "SUPERUSER_EMAIL and SUPERUSER_PASSWORD."
        )
    email = _validate(Email, "email", options.email or _ask_email(options))
    load_registry()
    with open_database(load_settings()) as database:
        with database.transaction() as session:
            is_there = is_superuser(session, email)
        if is_there:
            print(f"{email} is a superuser already; nothing was changed.")
            return 0
        # Nobody waits for a person with a transaction open.
        password = _validate(Password, "password", _ask_password(options))
        with database.transaction() as session:
            ensure_superuser(session, email=email, password=password)
    print(f"Created the superuser {email}.")
    return 0


def _ask_email(options: argparse.Namespace) -> str:
    if options.noinput:
        return _variable("SUPERUSER_EMAIL")
    return input("Email: ").strip()


def _ask_password(options: argparse.Namespace) -> str:
    if options.noinput:
        return _variable("SUPERUSER_PASSWORD")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password (again): "):
        raise CommandError("The two passwords are not the same.")
    return password


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise CommandError(f"{name} is not set.")
    return value


def _validate(kind: Any, name: str, value: str) -> str:
    """Apply the API's rules. Raises CommandError with the reason, never the value."""
    try:
        valid: str = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        reason = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise CommandError(f"This {name} will not do: {reason[0].lower()}{reason[1:]}.") from error
    return valid

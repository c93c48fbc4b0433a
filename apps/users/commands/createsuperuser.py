"""Create an account that may do everything.

Asks for what is missing. With --noinput it reads SUPERUSER_EMAIL and SUPERUSER_PASSWORD
instead. An account that is a superuser already is left as it is, so the command can run on
every deployment.
"""

import argparse

from apps.users.commands._asking import (
    find_password,
    password_of,
    read_variable,
    require_terminal,
    valid_email,
)
from apps.users.queries import is_superuser
from apps.users.services import ensure_superuser
from project.management.environment import load_registry, open_database
from project.settings import load_settings

EMAIL, PASSWORD = "SUPERUSER_EMAIL", "SUPERUSER_PASSWORD"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--email", help="the account's address")
    parser.add_argument("--noinput", "--no-input", action="store_true", help="ask nothing")


def handle(options: argparse.Namespace) -> int:
    if not options.noinput:
        require_terminal(EMAIL, PASSWORD)
    email = _find_email(options)
    load_registry()
    with open_database(load_settings()) as database:
        with database.transaction() as session:
            is_there = is_superuser(session, email)
        if is_there:
            print(f"{email} is a superuser already; nothing was changed.")
            return 0
        # Nobody waits for a person with a transaction open.
        variable = PASSWORD if options.noinput else ""
        password = find_password(variable)
        with password_of(variable), database.transaction() as session:
            ensure_superuser(session, email=email, password=password)
    print(f"Created the superuser {email}.")
    return 0


def _find_email(options: argparse.Namespace) -> str:
    if options.email:
        return valid_email(options.email, "--email")
    if options.noinput:
        return valid_email(read_variable(EMAIL), EMAIL)
    return valid_email(input("Email: ").strip())

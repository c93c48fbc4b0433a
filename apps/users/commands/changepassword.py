"""Give an account another password, and end all its sessions.

Asks for the password, twice; with --noinput it is read from NEW_PASSWORD.
"""

import argparse

from apps.users.commands._asking import find_password, password_of, require_terminal
from apps.users.credentials import set_password
from apps.users.passwords import hash_new_password
from apps.users.queries import find_user_by_email
from project.errors import CommandError
from project.management.environment import load_registry, open_database
from project.settings import load_settings

VARIABLE = "NEW_PASSWORD"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("email", help="the account's address")
    parser.add_argument("--noinput", "--no-input", action="store_true", help="ask nothing")


def handle(options: argparse.Namespace) -> int:
    if not options.noinput:
        require_terminal(VARIABLE)
    load_registry()
    with open_database(load_settings()) as database:
        with database.transaction() as session:
            known = find_user_by_email(session, options.email)
        if known is None:
            raise CommandError(f"There is no account {options.email}.")
        # Nobody waits for a person with a transaction open.
        variable = VARIABLE if options.noinput else ""
        password = find_password(variable)
        with password_of(variable):
            hashed = hash_new_password(password, email=known.email, full_name=known.full_name)
        with database.transaction() as session:
            user = find_user_by_email(session, options.email)
            if user is None:
                raise CommandError(f"{options.email} was deleted meanwhile.")
            set_password(session, user=user, password_hash=hashed)
    print(f"{options.email} has another password; its sessions and API keys have ended.")
    return 0

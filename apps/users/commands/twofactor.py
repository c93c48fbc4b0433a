"""Show whether an account has a second factor, or take it away (--off).

For somebody who has lost both the authenticator app and the recovery codes. Make sure who asks;
all sessions of the account end.
"""

import argparse

from apps.users import two_factor
from apps.users.queries import find_user_by_email
from project.errors import CommandError
from project.management.environment import load_registry, open_database
from project.settings import load_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("email", help="the account's address")
    parser.add_argument("--off", action="store_true", help="remove the second factor")


def handle(options: argparse.Namespace) -> int:
    load_registry()
    with open_database(load_settings()) as database, database.transaction() as session:
        user = find_user_by_email(session, options.email)
        if user is None:
            raise CommandError(f"There is no account {options.email}.")
        if not user.has_two_factor:
            print(f"{user.email} has no second factor.")
        elif options.off:
            two_factor.remove(session, user_id=user.id)
            print(f"{user.email} has no second factor any more; all its sessions have ended.")
        else:
            left = two_factor.count_recovery_codes(session, user_id=user.id)
            print(f"{user.email} has a second factor, and {left} recovery codes are left.")
    return 0

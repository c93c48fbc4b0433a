"""Delete sign-ins that have been over for a day, with their refresh tokens.

Signing in clears away old ones of the same account; this clears everybody's. Run it daily.
"""

import argparse

from apps.users.sign_ins import purge_sessions
from project.management.environment import load_registry, open_database
from project.management.parser import positive
from project.settings import load_settings

BATCH = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--batch-size", type=positive, default=BATCH, metavar="N", help=f"rows at a time ({BATCH})"
    )


def handle(options: argparse.Namespace) -> int:
    batch = options.batch_size
    load_registry()
    total = 0
    with open_database(load_settings()) as database:
        while True:  # short transactions: nobody waits for the whole of it
            with database.transaction() as session:
                deleted = purge_sessions(session, limit=batch)
            total += deleted
            if deleted < batch:
                break
    print(f"{total} old sessions were deleted.")
    return 0

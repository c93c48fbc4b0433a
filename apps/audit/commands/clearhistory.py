"""Delete what the history of changes says about long ago.

Nothing else can: a trigger refuses to change or delete what is written.
"""

import argparse
from datetime import timedelta

from apps.audit.services import purge_changes
from project.errors import CommandError
from project.management.environment import load_registry, open_database
from project.settings import load_settings

BATCH = 1000
LONGEST = 36_500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--older-than", type=int, required=True, metavar="DAYS", help="keep what is newer than this"
    )
    parser.add_argument(
        "--batch-size", type=int, default=BATCH, metavar="N", help=f"rows at a time ({BATCH})"
    )


def handle(options: argparse.Namespace) -> int:
    if not 0 <= options.older_than <= LONGEST:
        raise CommandError(f"--older-than is a number of days, 0 to {LONGEST}.", exit_code=2)
    batch, age = max(1, options.batch_size), timedelta(days=options.older_than)
    load_registry()
    total = 0
    with open_database(load_settings()) as database:
        while True:  # short transactions: nobody waits for the whole of it
            with database.transaction() as session:
                deleted = purge_changes(session, older_than=age, limit=batch)
            total += deleted
            if deleted < batch:
                break
    print(f"{total} old changes were deleted.")
    return 0

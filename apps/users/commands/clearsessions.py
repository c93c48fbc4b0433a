"""Delete sign-ins that have been over for a day, and API keys that have been for 90.

Refresh tokens go with their sign-ins. Signing in clears away old ones of the same account; this
clears everybody's. Run it daily.
"""

import argparse
from collections.abc import Callable

from apps.users.api_keys import purge_keys
from apps.users.sign_ins import purge_sessions
from project.db.session import Database
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
    with open_database(load_settings()) as database:
        sessions = _delete_all(database, purge_sessions, batch)
        keys = _delete_all(database, purge_keys, batch)
    print(f"{sessions} old sessions and {keys} old API keys were deleted.")
    return 0


def _delete_all(database: Database, purge: Callable[..., int], batch: int) -> int:
    """Delete in short transactions, so that nobody waits for the whole of it."""
    total = 0
    while True:
        with database.transaction() as session:
            deleted = purge(session, limit=batch)
        total += deleted
        if deleted < batch:
            return total

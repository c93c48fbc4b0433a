"""List all migrations, oldest first, and mark those that the database has."""

import argparse

from project.db.migrations import all_revisions, pending_revisions
from project.management.environment import open_connection
from project.settings import load_settings


def handle(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes them
    if not all_revisions():
        print("There are no migrations.")
        return 0
    with open_connection(load_settings()) as connection:
        pending = set(pending_revisions(connection))
    for found in all_revisions():
        mark = " " if found.revision in pending else "X"
        print(f" [{mark}] {found.title}")
    return 0

"""List all migrations, oldest first, and mark those that the database has."""

import argparse

from project.db.migrations import head_revision, pending_revisions, script_directory
from project.management.environment import open_connection
from project.settings import load_settings


def handle(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes them
    head = head_revision()
    if head is None:
        print("There are no migrations.")
        return 0
    with open_connection(load_settings()) as connection:
        pending = set(pending_revisions(connection))
    for script in reversed(list(script_directory().walk_revisions())):
        mark = " " if script.revision in pending else "X"
        print(f" [{mark}] {script.revision} {script.doc.splitlines()[0]}")
    return 0

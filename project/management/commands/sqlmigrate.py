"""Print the SQL of one migration, without a look at the database."""

import argparse

from alembic import command

from project.apps import Registry
from project.db.migrations import alembic_config, find_revision, head_revision
from project.management.environment import find_app
from project.settings import INSTALLED_APPS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", nargs="?", help="an app's label, as in Django; not needed")
    parser.add_argument("revision", help="its number, 0002 say, or head")
    parser.add_argument("--backwards", action="store_true", help="the SQL that takes it back")


def handle(options: argparse.Namespace) -> None:
    if options.app is not None:
        find_app(Registry.load(INSTALLED_APPS), options.app)
    head_revision()  # refuses a history that has forked
    script = find_revision(options.revision)
    before = script.down_revision or "base"
    if options.backwards:
        command.downgrade(alembic_config(), f"{script.revision}:{before}", sql=True)
    else:
        command.upgrade(alembic_config(), f"{before}:{script.revision}", sql=True)

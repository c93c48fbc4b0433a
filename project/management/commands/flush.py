"""Empty every table; the tables themselves and the record of migrations stay.

Numbers start again from one. Asks first, unless --noinput is given.
"""

import argparse

from sqlalchemy import MetaData, text
from sqlalchemy.orm import Session

from project.db.base import Base
from project.management.asking import confirm
from project.management.environment import load_registry, open_database
from project.settings import load_settings
from project.tasks.tables import forget_jobs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--noinput", "--no-input", action="store_true", help="ask nothing")


def handle(options: argparse.Namespace) -> int:
    load_registry()
    with open_database(load_settings()) as database:
        if not options.noinput:
            confirm(f"Delete every row in {database.engine.url.database}?")
        with database.transaction() as session:
            empty_tables(session, Base.metadata)
            forget_jobs(session)
    print(f"Emptied {len(Base.metadata.tables)} tables.")
    return 0


def empty_tables(session: Session, metadata: MetaData) -> None:
    """Empty them all at once; if there are none, that is fine as well."""
    names = ", ".join(f'"{name}"' for name in metadata.tables)
    if names:
        # CASCADE reaches what refers to them and is in no installed app any more.
        session.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))

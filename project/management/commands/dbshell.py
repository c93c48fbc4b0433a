"""Open psql on the database; what follows `--` goes to psql.

    python manage.py dbshell -- -c "SELECT count(*) FROM items_item"

It takes the psql on the PATH, or else the one that comes with the embedded server.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from project.db.embedded import EmbeddedServerError
from project.db.embedded.binaries import program
from project.db.engine import resolve_direct_url
from project.errors import CommandError
from project.settings import load_settings

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="-- …", help="arguments of psql")


def handle(options: argparse.Namespace) -> int:
    url = make_url(resolve_direct_url(load_settings()))
    address = url.set(drivername="postgresql", password=None).render_as_string()
    # By the environment: arguments can be read by every process of the machine.
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    # Ctrl-C is psql's: it cancels a statement.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with subprocess.Popen(
            [_psql(), address, *options.arguments], env={**os.environ, **password}
        ) as shell:
            return shell.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def _psql() -> str:
    found = shutil.which("psql")
    if found:
        return found
    try:
        return program("psql")
    except EmbeddedServerError as error:
        raise CommandError(
            "There is no psql: install PostgreSQL's client programs, or the dev group (uv sync)."
        ) from error

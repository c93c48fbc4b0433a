"""Find out what the server carries, with which settings, and whether a release made it worse.

    python manage.py loadtest doctor                        is this machine fit for it?
    python manage.py loadtest run --users 20 --duration 30
    python manage.py loadtest sweep --minutes 20
    python manage.py loadtest help

The laboratory (`loadtests/lab`) runs in a process of its own; nothing here imports it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING

from project.errors import CommandError
from project.management.catalogue import ROOT
from project.management.process import run_process

if TYPE_CHECKING:
    import argparse

PASS_THROUGH = True
HAS_VERBS = True
PACKAGE = "loadtests.lab"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For the help alone."""
    parser.add_argument("arguments", nargs="*", metavar="verb …", help="what to do; `help` lists")


def handle(options: argparse.Namespace) -> int:
    if not (ROOT / "loadtests" / "lab").is_dir():
        raise CommandError(
            "loadtests/ is not here (an image leaves it out): run it in a checkout.", exit_code=2
        )
    if importlib.util.find_spec("locust") is None:
        raise CommandError(
            f"locust is not installed in {sys.executable}: run `uv run manage.py loadtest`, "
            "or `pip install -r requirements/dev.txt` first.",
            exit_code=2,
        )
    command = [sys.executable, "-m", PACKAGE, *options.arguments]
    return run_process(command, cwd=ROOT, env=os.environ)

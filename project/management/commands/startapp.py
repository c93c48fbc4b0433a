"""Create an app with a model, a route, an admin view and tests, and install it.

The files land in apps/NAME and tests/. They work as they are: make the migration, migrate,
and `/api/v1/NAME/` answers. Then make them your own.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

from project.management import style
from project.management.catalogue import ROOT, SETTINGS_FILE, shown
from project.management.scaffold import Names, refuse_bad_name, with_app, write_app

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="lower-case letters, digits and underscores, such as blog")


def handle(options: argparse.Namespace) -> None:
    refuse_bad_name(options.name, ROOT)
    names = Names.of(options.name)
    # Whatever may fail comes first: either everything is written or nothing.
    settings = with_app(SETTINGS_FILE.read_bytes(), f"apps.{names.label}")
    written = write_app(names, ROOT)
    _tidy(written)
    SETTINGS_FILE.write_bytes(settings)
    print(*(shown(path) for path in written), sep="\n")
    print(style.success(f"Created the app {names.label!r} and added it to INSTALLED_APPS."))
    print("Now:")
    print(f"  python manage.py makemigrations -n add_{names.label}")
    print("  python manage.py migrate")
    print(f"  python manage.py test tests/apps/{names.label}")


def _tidy(files: Sequence[Path]) -> None:
    """Wrap lines and sort imports as the app's name asks for, if the formatter is installed."""
    if importlib.util.find_spec("ruff"):
        for verb in (["check", "--select", "I", "--fix-only"], ["format"]):
            command = [sys.executable, "-m", "ruff", *verb, "--quiet", *map(str, files)]
            subprocess.run(command, cwd=ROOT, check=False)

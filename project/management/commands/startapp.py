"""Create an app with a model, an API, an admin view and tests, and install it.

The files land in apps/NAME, tests/ and loadtests/. They work as they are: make the migration,
migrate, and `/api/v1/NAME/` answers. Then make them your own. `--without` leaves parts out:
`admin`, `api`, `scenario` (of the load tests).
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

from project.management import style
from project.management.catalogue import ROOT, SETTINGS_FILE, shown
from project.management.scaffold import (
    PARTS,
    Names,
    refuse_bad_name,
    refuse_missing_accounts,
    with_app,
    write_app,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="lower-case letters, digits and underscores, such as notes")
    parser.add_argument(
        "--without",
        type=_parts,
        default=(),
        metavar="PART[,PART]",
        help=f"leave out: {', '.join(PARTS)}",
    )
    parser.add_argument("--no-install", action="store_true", help="do not add it to INSTALLED_APPS")


def handle(options: argparse.Namespace) -> None:
    refuse_bad_name(options.name, ROOT)
    refuse_missing_accounts()
    names = Names.of(options.name)
    package = f"apps.{names.label}"
    # Whatever may fail comes first: either everything is written or nothing.
    settings = SETTINGS_FILE.read_bytes()
    if not options.no_install:
        settings = with_app(settings, package)
    written = write_app(names, ROOT, without=options.without)
    _tidy(written)
    SETTINGS_FILE.write_bytes(settings)
    print(*(shown(path) for path in written), sep="\n")
    _say_what_is_next(names, package, is_installed=not options.no_install)


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(f"no part {part!r}: choose from {', '.join(PARTS)}")
    return parts


def _say_what_is_next(names: Names, package: str, *, is_installed: bool) -> None:
    done = " and added it to INSTALLED_APPS" if is_installed else ""
    print(style.success(f"Created the app {names.label!r}{done}."))
    print("Now:")
    if not is_installed:
        print(f"  add {package!r} to INSTALLED_APPS in {shown(SETTINGS_FILE)}")
    print(f"  python manage.py makemigrations -n add_{names.label}")
    print("  python manage.py migrate")
    print(f"  python manage.py test tests/apps/{names.label}")


def _tidy(files: Sequence[Path]) -> None:
    """Wrap lines and sort imports as the app's name asks for, if the formatter is installed."""
    if not importlib.util.find_spec("ruff"):
        return
    # What was wrapped for the template's names goes back on one line where it fits now.
    loosened = ["--config", "format.skip-magic-trailing-comma=true"]
    for verb in (["check", "--select", "I", "--fix-only"], ["format", *loosened]):
        command = [sys.executable, "-m", "ruff", *verb, "--quiet", *map(str, files)]
        subprocess.run(command, cwd=ROOT, check=False)

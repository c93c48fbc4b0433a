"""Run the test suite on a real PostgreSQL of its own.

Every argument goes to pytest: paths, `-k words`, `-x`, `-n 0` (one process), `--cov` …
Paths may be written from where you stand. The whole suite runs in two processes, a part of it
in one. `--cov` measures coverage, which takes a third longer.

The suite makes its own databases on the server that DATABASE_URL names (the embedded one
unless set) and never touches that database itself.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from project.errors import CommandError
from project.management.catalogue import ROOT
from project.management.process import run_process

if TYPE_CHECKING:
    import argparse

PASS_THROUGH = True
PROCESSES = 2
PICKING = ("-k", "-m", "--lf", "--last-failed", "--sw", "--stepwise", "--collect-only", "--co")
# These speak with the person or decide about processes themselves.
ONE_PROCESS = ("-n", "--numprocesses", "--dist", "--pdb", "--trace", "-s")
COVERAGE = "--cov"
# Measured into .coverage; the long report is for who asks for it.
QUIETLY = "--cov-report="


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For the help alone."""
    parser.add_argument("arguments", nargs="*", metavar="argument", help="whatever pytest takes")


def handle(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("pytest") is None:
        raise CommandError(
            f"pytest is not installed in {sys.executable}: run `uv run manage.py test`, "
            "or `pip install -r requirements/dev.txt` first."
        )
    _refuse_missing(options.arguments)
    given = [_from_root(argument) for argument in options.arguments]
    defaults = _defaults(given)
    command = [sys.executable, "-m", "pytest", *defaults, *given]
    code = run_process(command, cwd=ROOT, env=os.environ | {"ENVIRONMENT": "test"})
    if code == 0 and QUIETLY in defaults:
        _print_coverage()
    return code


def _refuse_missing(arguments: list[str]) -> None:
    """Name a path that is not there: several processes of pytest would not."""
    for position, argument in enumerate(arguments):
        path = argument.partition("::")[0]
        is_meant = position == 0 or path.endswith(".py")  # not the value of an option
        if is_meant and not path.startswith("-") and not _exists(path):
            raise CommandError(
                f"There is no {path}; tests are picked by path, or by `-k words`.", exit_code=2
            )


def _exists(path: str) -> bool:
    return Path(path).exists() or (ROOT / path).exists()


def _defaults(given: list[str]) -> list[str]:
    """What the whole suite is run with, unless the person chose otherwise.

    A part of it is sooner done in one process than a second one has started (4 s against
    13 s for one file).
    """
    defaults = [QUIETLY] if COVERAGE in given else []
    chosen = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *given]
    if _mentions(chosen, PICKING) or any(_is_path(argument) for argument in given):
        return defaults
    if importlib.util.find_spec("xdist") and not _mentions(chosen, ONE_PROCESS):
        defaults += ["-n", str(min(PROCESSES, os.cpu_count() or 1))]
    return defaults


def _print_coverage() -> None:
    report = [sys.executable, "-m", "coverage", "report"]
    total = subprocess.run(
        [*report, "--format=total"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if total.returncode == 0:
        print(f"Coverage: {total.stdout.strip()} % (`python -m coverage report` shows the rest)")


def _is_path(argument: str) -> bool:
    path = argument.partition("::")[0]
    return bool(path) and not path.startswith("-") and Path(path).exists()


def _mentions(arguments: list[str], options: tuple[str, ...]) -> bool:
    """Whether one of the options is there, also as `--long=value` and `-svalue`."""
    names = {argument.partition("=")[0] for argument in arguments}
    short = tuple(option for option in options if not option.startswith("--"))
    return bool(names & set(options)) or any(name.startswith(short) for name in names if short)


def _from_root(argument: str) -> str:
    """A path (`file.py::test` too) that exists from here, made to hold from the root."""
    path, separator, node = argument.partition("::")
    return f"{Path(path).resolve()}{separator}{node}" if _is_path(argument) else argument

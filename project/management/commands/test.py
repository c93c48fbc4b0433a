"""Run the test suite on a real PostgreSQL of its own.

Every argument goes to pytest: paths, `-k words`, `-x`, `-n 0` (one process), `--no-cov` …
Paths may be written from where you stand. The suite makes its own databases on the server
that DATABASE_URL names (the embedded one unless set) and never touches that database itself.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from project.errors import CommandError
from project.management.catalogue import ROOT
from project.management.process import run_process

if TYPE_CHECKING:
    import argparse

PASS_THROUGH = True
WORKERS = 2
# These speak with the person or decide about processes themselves.
ONE_PROCESS = ("-n", "--numprocesses", "--pdb", "--trace", "--dist", "-s", "--collect-only", "--co")


def handle(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("pytest") is None:
        raise CommandError(
            f"pytest is not installed in {sys.executable}: run `uv run manage.py test`, "
            "or `pip install -r requirements/dev.txt` first."
        )
    given = [_from_root(argument) for argument in options.arguments]
    command = [sys.executable, "-m", "pytest", *_defaults(given), *given]
    return run_process(command, cwd=ROOT, env=os.environ | {"ENVIRONMENT": "test"})


def _defaults(given: list[str]) -> list[str]:
    """Several processes and quiet coverage, unless the person chose otherwise."""
    chosen = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *given]
    defaults = []
    if importlib.util.find_spec("xdist") and not _mentions(chosen, ONE_PROCESS):
        defaults += ["-n", str(min(WORKERS, os.cpu_count() or 1))]
    if importlib.util.find_spec("pytest_cov") and not _mentions(chosen, ("--cov", "--no-cov")):
        defaults += ["--cov", "--cov-report="]
    return defaults


def _mentions(arguments: list[str], options: tuple[str, ...]) -> bool:
    return any(
        argument.startswith(options) if argument.startswith("-") else False
        for argument in arguments
    )


def _from_root(argument: str) -> str:
    """A path (`file.py::test` too) that exists from here, made to hold from the root."""
    path, separator, node = argument.partition("::")
    if path.startswith("-") or not path or not Path(path).exists():
        return argument
    return f"{Path(path).resolve()}{separator}{node}"

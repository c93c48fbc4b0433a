"""Copies of the project with database servers of their own, as after a clone."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.copies import copy_project
from tests.processes import run_manage

# What a developer, CI or this very suite has set speaks of another database, of another suite.
OUTSIDE = ("DATABASE_URL", "DATA_DIRECTORY", "ENVIRONMENT", "SECRET_KEY", "PYTEST_", "COV_")


class Checkout(NamedTuple):
    """Where it lies, and the environment of its processes."""

    root: Path
    env: dict[str, str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run_manage(*words, env=self.env, root=self.root)

    def succeed(self, *words: str) -> str:
        """Run a command that has to end well, and return what it prints."""
        finished = self.run(*words)
        said = finished.stdout + finished.stderr
        assert finished.returncode == 0, f"manage.py {' '.join(words)}:\n{said}"
        return finished.stdout


@contextmanager
def fresh_checkout(folder: Path) -> Iterator[Checkout]:
    """Copy the project into this folder; its servers are stopped at the end."""
    copy_project(folder)
    env = {name: value for name, value in os.environ.items() if not name.startswith(OUTSIDE)}
    copy = Checkout(folder, env)
    try:
        yield copy
    finally:
        copy.run("db", "stop")
        copy.run("db", "stop", "--test")

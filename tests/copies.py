"""A copy of the project, to write apps and migrations into, with database servers of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from project.settings import ROOT
from tests.processes import run_manage

FOLDERS = ("project", "apps", "migrations", "templates", "tests", "loadtests")
FILES = ("manage.py", "pyproject.toml", "README.md")
# What a developer, CI or this very suite has set speaks of another database, of another suite.
OUTSIDE = ("DATABASE_URL", "DATA_DIRECTORY", "ENVIRONMENT", "SECRET_KEY", "PYTEST_", "COV_")


class ProjectCopy(NamedTuple):
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
def project_copy(folder: Path) -> Iterator[ProjectCopy]:
    """Copy the project into this folder; its servers are stopped at the end."""
    # Bytecode comes along: a copied file keeps its time, so nothing is compiled again.
    ignored = shutil.ignore_patterns("results", "vendor")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    env = {name: value for name, value in os.environ.items() if not name.startswith(OUTSIDE)}
    copy = ProjectCopy(folder, env)
    try:
        yield copy
    finally:
        copy.run("db", "stop")
        copy.run("db", "stop", "--test")

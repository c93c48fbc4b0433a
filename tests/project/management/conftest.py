"""A throwaway project with the real dispatcher, to break in every way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.database import TestDatabase
from tests.histories import History
from tests.processes import fresh_database

ROOT = Path(__file__).resolve().parents[3]
Finished = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Scratch:
    """A copy of manage.py and what it imports of the project, with apps of one's own."""

    root: Path

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def install(self, *apps: str) -> None:
        self.write("project/settings.py", f"INSTALLED_APPS = {apps!r}\n")

    def run(self, *arguments: str, **environment: str) -> Finished:
        return run_manage(*arguments, root=self.root, **environment)


def run_manage(*arguments: str, root: Path = ROOT, **environment: str) -> Finished:
    """Run manage.py as a person would, from a folder that is not the project's."""
    return subprocess.run(
        [sys.executable, str(root / "manage.py"), *arguments],
        cwd=root.parent,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    root = tmp_path / "a project"
    management = root / "project" / "management"
    shutil.copytree(
        ROOT / "project" / "management",
        management,
        ignore=shutil.ignore_patterns("commands", "app_template", "__pycache__"),
    )
    for path in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / path, root / path)
    for name in ("__init__.py", "errors.py", "collection.py"):
        shutil.copy(ROOT / "project" / name, root / "project" / name)
    made = Scratch(root)
    made.install()
    made.write(
        "project/management/commands/greet.py",
        '"""Say hello."""\n\n\n'
        "def add_arguments(parser):\n"
        '    parser.add_argument("name")\n'
        '    parser.add_argument("--loudly", action="store_true")\n\n\n'
        "def handle(options):\n"
        '    print("HELLO" if options.loudly else "Hello", options.name)\n',
    )
    return made


@pytest.fixture
def copy(tmp_path: Path, engine_database: TestDatabase) -> Iterator[History]:
    """A copy of the whole project, and a migrated database of its own."""
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        yield History.make(tmp_path, url)

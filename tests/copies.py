"""Copies of the project, for tests that change it as a person would."""

import re
import shutil
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import URL, create_engine, inspect

from project.settings import ROOT
from tests.processes import DEADLINE, Server, environment_for, serving

PARTS = (
    *("project", "apps", "migrations", "templates", "tests", "loadtests", "requirements"),
    *(
        "deploy",
        ".ci",
        ".github",
        "manage.py",
        "pyproject.toml",
        "compose.yaml",
        "Dockerfile",
        "LICENSE",
    ),
    *(
        "README.md",
        "CHANGELOG.md",
        "UPGRADING.md",
        ".env.example",
        ".gitignore",
        ".dockerignore",
        ".editorconfig",
    ),
)
INSTALLED_APPS = "INSTALLED_APPS: tuple[str, ...] = (\n"


def copy_project(root: Path) -> None:
    """Copy what belongs to the project, and its bytecode, so that nothing is compiled again."""
    root.mkdir(parents=True)
    ignored = shutil.ignore_patterns("results")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, root / part, ignore=ignored)
        elif (ROOT / part).exists():  # the pictures for the README may be missing
            shutil.copy(ROOT / part, root / part)


@dataclass(frozen=True)
class ProjectCopy:
    """A whole project in a folder of its own, with a Python and a database."""

    root: Path
    url: URL
    python: str = sys.executable

    @classmethod
    def make(cls, folder: Path, url: URL, python: str = sys.executable) -> Self:
        """Copy what belongs to the project; nothing that was left behind by running it."""
        root = folder / "a project"
        copy_project(root)
        return cls(root, url, python)

    @property
    def environment(self) -> dict[str, str]:
        return environment_for(self.url, PYTHONPATH="")

    def manage(
        self, *words: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `manage.py` here to its end, whatever it says."""
        return self.run("manage.py", *words, env=env)

    def run(
        self, *words: str, env: dict[str, str] | None = None, timeout: float = 2 * DEADLINE
    ) -> subprocess.CompletedProcess[str]:
        """Run Python here, in this copy alone: the suite's own folder is not on its path."""
        return subprocess.run(
            [self.python, *words],
            cwd=self.root,
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def expect(self, *words: str, code: int = 0, env: dict[str, str] | None = None) -> str:
        """Run `manage.py` here, ask for its exit code, and return all that it says."""
        finished = self.manage(*words, env=env)
        said = finished.stdout + finished.stderr
        assert finished.returncode == code, f"manage.py {' '.join(words)}: {said}"
        return said

    def serve(self, log: Path, **variables: str) -> AbstractContextManager[Server]:
        """Serve it for a while, without reloading."""
        env = {**self.environment, **variables}
        words = ("runserver", "--no-reload")
        return serving(*words, env=env, log=log, root=self.root, python=self.python)

    def install(self, app: str) -> None:
        """Put a line into INSTALLED_APPS."""
        self.replace("project/settings.py", INSTALLED_APPS, f'{INSTALLED_APPS}    "{app}",\n')

    def uninstall(self, app: str) -> None:
        """Take its line out of INSTALLED_APPS."""
        self.replace("project/settings.py", f'    "{app}",\n', "")

    def remove(self, label: str) -> None:
        """Remove an app as a person would: its line, its folders, its line in `.env.example`."""
        self.uninstall(f"apps.{label}")
        for folder in ("apps", "tests/apps"):
            shutil.rmtree(self.root / folder / label)
        (self.root / f"loadtests/scenarios/{label}.py").unlink(missing_ok=True)
        (self.root / f"tests/factories/{label}.py").unlink(missing_ok=True)
        example = self.root / ".env.example"
        setting = re.compile(rf"(^# [^=\n]*\n)+# {label.upper()}_\w+=.*\n", re.MULTILINE)
        example.write_text(setting.sub("", example.read_text(encoding="utf-8")), encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file."""
        before = (self.root / path).read_text(encoding="utf-8")
        assert old in before
        (self.root / path).write_text(before.replace(old, new), encoding="utf-8")

    @property
    def migrations(self) -> list[Path]:
        return sorted((self.root / "migrations/versions").glob("*.py"))

    def tables(self) -> set[str]:
        engine = create_engine(self.url)
        try:
            return set(inspect(engine).get_table_names())
        finally:
            engine.dispose()

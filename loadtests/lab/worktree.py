"""Another revision of this project, checked out beside it, with what it needs to be served."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from project.errors import CommandError
from project.settings import ROOT

REQUIREMENTS = Path("requirements") / "dev.txt"


@dataclass(frozen=True)
class Tree:
    """A revision's files; `python` has the libraries that they need."""

    root: Path
    revision: str
    python: str
    note: str = ""
    """What people should know about it; empty if it runs with this environment."""

    def migrate(self, url: URL) -> None:
        """Give a database the schema of this revision, by its own migrations."""
        environment = {
            **os.environ,
            "ENVIRONMENT": "test",
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "DATABASE_DIRECT_URL": "",
            "DATABASE_REPLICA_URL": "",
        }
        _run([self.python, "manage.py", "migrate"], cwd=self.root, environment=environment)


def resolve(reference: str, *, root: Path = ROOT) -> str:
    """Return the commit that is meant. Raises CommandError, with exit code 2, if there is none."""
    words = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}"]
    finished = _git(root, *words)
    if finished.returncode:
        raise CommandError(
            f"--base {reference}: Git knows no such revision here; fetch it, or name another.",
            exit_code=2,
        )
    return finished.stdout.strip()


@contextmanager
def checked_out(reference: str, *, root: Path = ROOT) -> Iterator[Tree]:
    """Check the revision out beside this tree until the block is left."""
    revision = resolve(reference, root=root)
    with tempfile.TemporaryDirectory(prefix="lintel-base-") as folder:
        place = Path(folder) / "tree"
        added = _git(root, "worktree", "add", "--detach", "--quiet", str(place), revision)
        if added.returncode:
            raise CommandError(f"Git could not check {reference} out: {_last_line(added.stderr)}")
        try:
            _copy_settings(root, place)
            yield _tree(root, place, Path(folder) / "venv", revision)
        finally:
            _git(root, "worktree", "remove", "--force", str(place))


def _copy_settings(root: Path, place: Path) -> None:
    """Let both servers read the same `.env`, which Git does not know."""
    if (root / ".env").is_file():
        shutil.copy(root / ".env", place / ".env")


def _tree(root: Path, place: Path, environment: Path, revision: str) -> Tree:
    if _text(place / REQUIREMENTS) == _text(root / REQUIREMENTS):
        return Tree(place, revision, sys.executable)
    if shutil.which("uv") is None:
        raise CommandError(
            f"{revision[:8]} needs other libraries ({REQUIREMENTS.as_posix()} differs), and uv, "
            "which would install them, is not on the PATH."
        )
    _run(["uv", "venv", "--quiet", "--python", sys.executable, str(environment)], cwd=place)
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = ["uv", "pip", "sync", "--quiet", "--python", str(python), str(REQUIREMENTS)]
    _run(install, cwd=place)
    note = f"{revision[:8]} ran in an environment of its own: its {REQUIREMENTS.name} differs."
    return Tree(place, revision, str(python), note)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _run(command: list[str], *, cwd: Path, environment: dict[str, str] | None = None) -> None:
    finished = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        said = _last_line(finished.stderr or finished.stdout)
        raise CommandError(f"In the base's tree `{' '.join(command[1:3])}` failed: {said}")


def _git(root: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise CommandError("git is not on the PATH, and a base is a revision of it.") from error


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2] or "it said nothing."

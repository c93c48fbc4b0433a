"""UPGRADING.md, run on a toy history: both kinds of projects take in a release."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from project.settings import ROOT

BLOCK = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLACE = "https://example.com/lintel.git"
IDENTITY = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.com")

FIRST = {
    "project/core.py": "".join(f"line {number}\n" for number in range(30)),
    "project/settings.py": "APPS = (\n    'health',\n    'items',\n)\n\nPOOL = 8\n",
    "apps/items/models.py": "class Item: ...\n",
    "README.md": "Lintel\n\nA text.\n",
}
SECOND = {
    "project/core.py": FIRST["project/core.py"].replace("line 7", "line seven"),
    "project/settings.py": FIRST["project/settings.py"].replace("POOL = 8", "POOL = 10"),
    "project/new.py": "New.\n",
    "README.md": "Lintel\n\nA better text.\n",
}
OWN = {
    "apps/shop/models.py": "class Shop: ...\n",
    "project/settings.py": FIRST["project/settings.py"].replace("'items'", "'shop'"),
    "README.md": "Our shop\n\nOur text.\n",
}


def git(folder: Path, *words: str, code: int = 0) -> str:
    finished = subprocess.run(
        ["git", *IDENTITY, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert finished.returncode == code, finished.stdout + finished.stderr
    return finished.stdout


def commit(folder: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """Lintel with two releases."""
    folder = tmp_path / "up stream"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    for tag, files in (("v0.1.0", FIRST), ("v0.2.0", SECOND)):
        commit(folder, files, tag)
        git(folder, "tag", tag)
    return folder


@pytest.fixture(params=["with its history", "without its history"])
def project(request: pytest.FixtureRequest, upstream: Path, tmp_path: Path) -> Path:
    """A project made from the first release, with changes of its own."""
    folder = tmp_path / "project"
    git(tmp_path, "clone", "--quiet", "--branch", "v0.1.0", str(upstream), "project")
    git(folder, "tag", "--delete", "v0.1.0", "v0.2.0")
    if request.param == "with its history":
        git(folder, "remote", "remove", "origin")
        git(folder, "switch", "--quiet", "--create", "main")
    else:
        (tmp_path / "project" / ".git").rename(tmp_path / "history of lintel")
        git(folder, "init", "--quiet", "--initial-branch", "main")
        commit(folder, {}, "Begin")
    commit(folder, OWN, "Our shop")
    git(folder, "tag", "v0.1.0")  # ours, which has nothing to do with Lintel's
    return folder


def blocks(upstream: Path) -> list[list[list[str]]]:
    """The commands of each block, with this upstream in the place of the example."""
    text = (ROOT / "UPGRADING.md").read_text(encoding="utf-8")
    return [
        [
            shlex.split(line.replace(PLACE, shlex.quote(str(upstream))))
            for line in found.splitlines()
        ]
        for found in BLOCK.findall(text)
    ]


def test_a_release_is_taken_in(project: Path, upstream: Path) -> None:
    name, begin, upgrade, look = blocks(upstream)
    has_history = not (project.parent / "history of lintel").exists()
    own_tag = git(project, "rev-parse", "v0.1.0")
    for program, *words in [*name, *([] if has_history else begin), *upgrade[:-1]]:
        assert program == "git"
        git(project, *words)
    assert {name: (project / name).read_text() for name in OWN} == OWN  # nothing changed so far
    git(project, *upgrade[-1][1:], code=1)  # it stops at what both have changed
    assert git(project, "diff", "--name-only", "--diff-filter=U").split() == ["README.md"]
    settings = (project / "project/settings.py").read_text()
    assert ("'shop'" in settings, "POOL = 10" in settings) == (True, True)
    assert "line seven" in (project / "project/core.py").read_text()
    assert (project / "project/new.py").exists()
    assert git(project, "rev-parse", "v0.1.0") == own_tag
    assert look[-1] == ["uv", "run", "manage.py", "test"]


def test_the_next_release_asks_nothing_again(project: Path, upstream: Path) -> None:
    """What was decided once stays decided."""
    name, begin, upgrade, _ = blocks(upstream)
    has_history = not (project.parent / "history of lintel").exists()
    for words in [*name, *([] if has_history else begin), *upgrade[:-1]]:
        git(project, *words[1:])
    git(project, *upgrade[-1][1:], code=1)
    commit(project, {"README.md": OWN["README.md"]}, "Take in 0.2.0, keep our text")
    core = {"project/core.py": FIRST["project/core.py"].replace("line 9", "line nine")}
    commit(upstream, core, "v0.3.0")
    git(upstream, "tag", "v0.3.0")
    git(project, "fetch", "lintel")
    git(project, "merge", "--no-edit", "lintel/v0.3.0")
    assert (project / "README.md").read_text() == OWN["README.md"]
    assert "line nine" in (project / "project/core.py").read_text()

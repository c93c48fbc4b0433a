"""Another revision, checked out beside a tree."""

import subprocess
from pathlib import Path

import pytest

from loadtests.lab.worktree import checked_out, resolve
from project.errors import CommandError

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")


def git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *IDENTITY, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits that differ in a file, and settings that Git does not know."""
    root = tmp_path / "project"
    (root / "requirements").mkdir(parents=True)
    git(root, "init", "--quiet")
    for text in ("one", "two"):
        (root / "file").write_text(text)
        (root / "requirements" / "dev.txt").write_text("")
        git(root, "add", ".")
        git(root, "commit", "--quiet", "--message", text)
    (root / ".env").write_text("SITE_NAME=Shop\n")
    return root


def test_it_is_there_meanwhile_and_gone_after(repository: Path) -> None:
    (repository / "file").write_text("not committed")
    with checked_out("HEAD~1", root=repository) as tree:
        assert (tree.root / "file").read_text() == "one"
        assert (tree.root / ".env").read_text() == "SITE_NAME=Shop\n"
        assert tree.revision == git(repository, "rev-parse", "HEAD~1")
        assert tree.note == ""
    assert not tree.root.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert (repository / "file").read_text() == "not committed"


def test_what_is_no_revision_is_wrong_usage(repository: Path) -> None:
    for reference in ("nowhere", "--help", "HEAD:file"):
        with pytest.raises(CommandError, match="Git knows no such revision") as refusal:
            resolve(reference, root=repository)
        assert refusal.value.exit_code == 2


def test_other_requirements_need_an_environment_of_their_own(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "requirements" / "dev.txt").write_text("fastapi==0.1\n")
    monkeypatch.setattr("shutil.which", lambda _: None)
    with (
        pytest.raises(CommandError, match=r"needs other libraries \(requirements/dev.txt differs"),
        checked_out("HEAD", root=repository),
    ):
        raise AssertionError
    assert len(git(repository, "worktree", "list").splitlines()) == 1

"""Whatever happens to a squash, no migration is lost."""

from pathlib import Path

import pytest

from project.db.migrations import squashing
from project.db.migrations.history import Revision
from project.db.migrations.squashing import set_aside

FILES = ("0001_a.py", "0002_baseline.py", "0003_c.py", "0004_d.py")


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "versions"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text(name)
    monkeypatch.setattr(squashing, "VERSIONS", folder)
    monkeypatch.setattr(squashing, "ASIDE", tmp_path / "aside")
    return folder


def squash(versions: Path, *, beside: str | None = None) -> None:
    """Replace the first two; the new one has the name of the second."""
    names = dict(zip(("0001", "0002"), FILES, strict=False))
    scripts = [Revision(number, None, "", versions / name) for number, name in names.items()]
    with set_aside(scripts):
        (versions / "0002_baseline.py").write_text("new")
        if beside:
            (squashing.ASIDE / beside).write_text("")


def contents(versions: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in versions.iterdir()}


def test_folder_that_cannot_be_removed(versions: Path) -> None:
    """A file manager has put something into it; the next squash minds as little."""
    squash(versions, beside=".DS_Store")
    expected = {"0002_baseline.py": "new", **{name: name for name in FILES[2:]}}
    assert contents(versions) == expected
    assert [path.name for path in squashing.ASIDE.iterdir()] == [".DS_Store"]
    (versions / "0001_a.py").write_text("")
    squash(versions)
    assert contents(versions) == expected


@pytest.mark.parametrize(
    ("method", "name"), [("rename", "0001_a.py"), ("rename", "0003_c.py"), ("replace", "0004_d.py")]
)
def test_broken_off(
    versions: Path, monkeypatch: pytest.MonkeyPatch, method: str, name: str
) -> None:
    """Ctrl-C at the worst moment: while files are moved aside, or some of them back."""
    move = getattr(Path, method)
    due = [KeyboardInterrupt()]

    def interrupted(path: Path, target: Path) -> Path:
        if path.name == name and due:
            raise due.pop()
        moved: Path = move(path, target)
        return moved

    monkeypatch.setattr(Path, method, interrupted)
    with pytest.raises(KeyboardInterrupt):
        squash(versions)
    assert contents(versions) == {name: name for name in FILES}
    assert not squashing.ASIDE.exists()

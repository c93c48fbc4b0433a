"""Files by key: whole or not at all, and never outside the folder."""

from pathlib import Path

import pytest

from project.storage import FileMissing, InvalidKey
from project.storage.folder import FolderStorage

KEY = "items/4f/4f0c-small.webp"


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "media")


def test_put_get_delete(storage: FolderStorage) -> None:
    storage.put(KEY, b"content")
    assert storage.get(KEY) == b"content"
    storage.delete(KEY)
    with pytest.raises(FileMissing):
        storage.get(KEY)


def test_deleting_what_is_gone(storage: FolderStorage) -> None:
    storage.delete(KEY)


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace"])
def test_failure_leaves_nothing(
    storage: FolderStorage, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(failing, fail)
    with pytest.raises(OSError, match="No space left"):
        storage.put(KEY, b"content")
    assert [path for path in storage.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../secret_key",
        "items/../../secret_key",
        "items/./a",
        "items//a",
        "items/.hidden",
        "items/a\x00",
        "items/a\n",
        "items\\a",
        "Items/a",
        "a" * 201,
    ],
)
def test_keys_that_could_lead_elsewhere(storage: FolderStorage, key: str) -> None:
    for use in (storage.get, storage.delete, lambda key: storage.put(key, b"")):
        with pytest.raises(InvalidKey):
            use(key)

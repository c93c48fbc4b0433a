"""Files by key: whole or not at all, and never outside the folder."""

from pathlib import Path

import pytest

from project.storage import FileMissing, InvalidKey, LocalStorage

KEY = "items/4f/4f0c-small.webp"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "media")


def test_put_get_open_delete(storage: LocalStorage) -> None:
    storage.put(KEY, b"content")
    assert storage.get(KEY) == b"content"
    with storage.open(KEY) as file:
        assert file.read(3) == b"con"
    storage.delete(KEY)
    with pytest.raises(FileMissing):
        storage.get(KEY)


def test_deleting_what_is_gone(storage: LocalStorage) -> None:
    storage.delete(KEY)


def test_reader_keeps_what_it_has_opened(storage: LocalStorage) -> None:
    storage.put(KEY, b"old")
    with storage.open(KEY) as file:
        storage.put(KEY, b"new")
        storage.delete(KEY)
        assert file.read() == b"old"


@pytest.mark.parametrize("failing", ["os.fsync", "pathlib.Path.replace"])
def test_failure_leaves_nothing(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch, failing: str
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
def test_keys_that_could_lead_elsewhere(storage: LocalStorage, key: str) -> None:
    for use in (storage.get, storage.open, storage.delete, lambda key: storage.put(key, b"")):
        with pytest.raises(InvalidKey):
            use(key)

"""Files in a bucket, on a server that speaks S3 in a process of its own."""

import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from loguru import logger

from project.errors import ImproperlyConfigured
from project.settings import MediaSettings, Settings
from project.storage import (
    FileMissing,
    InvalidKey,
    Storage,
    StorageUnavailable,
    create_storage,
)
from project.storage.folder import FolderStorage
from tests.buckets import BUCKET, bucket_server, bucket_settings
from tests.processes import free_port, until

KEY = "items/4f/4f0c-small.webp"
Open = Callable[..., Storage]


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with bucket_server() as port:
        yield port


@pytest.fixture
def open_bucket(settings: Settings, server: int) -> Iterator[Open]:
    """Open a storage: a prefix of the bucket, unless the settings are told otherwise."""
    opened: list[Storage] = []

    def open_bucket(**changes: Any) -> Storage:
        opened.append(create_storage(bucket_settings(settings, server, **changes)))
        return opened[-1]

    yield open_bucket
    for storage in opened:
        storage.close()


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """What is logged as an error."""
    seen: list[str] = []
    sink = logger.add(lambda message: seen.append(message.record["message"]), level="ERROR")
    yield seen
    logger.remove(sink)


def is_there(storage: Storage, key: str) -> bool:
    try:
        return bool(storage.get(key))
    except FileMissing:
        return False


def test_a_folder_unless_there_is_a_bucket(settings: Settings) -> None:
    assert isinstance(create_storage(settings), FolderStorage)
    assert MediaSettings.model_fields["storage_url"].default is None


def test_put_get_delete(open_bucket: Open) -> None:
    storage = open_bucket()
    storage.put(KEY, b"content")
    assert storage.get(KEY) == b"content"
    assert open_bucket(storage_url=f"s3://{BUCKET}").get(f"media/{KEY}") == b"content"
    storage.delete(KEY, "items/never-there")
    until(lambda: not is_there(storage, KEY), "the file is deleted")


def test_missing_file(open_bucket: Open) -> None:
    with pytest.raises(FileMissing):
        open_bucket().get("items/never-there")


def test_keys_are_looked_at(open_bucket: Open) -> None:
    storage = open_bucket()
    for use in (storage.get, storage.delete, lambda key: storage.put(key, b"")):
        with pytest.raises(InvalidKey):
            use("../secret_key")


def test_missing_bucket(open_bucket: Open, errors: list[str]) -> None:
    with pytest.raises(StorageUnavailable):
        open_bucket(storage_url="s3://other").put(KEY, b"content")
    assert "404" in errors[0]


def test_server_that_is_gone(open_bucket: Open, errors: list[str]) -> None:
    storage = open_bucket(aws_endpoint_url=f"http://127.0.0.1:{free_port()}")
    for use in (storage.get, lambda key: storage.put(key, b"")):
        with pytest.raises(StorageUnavailable):
            use(KEY)
    storage.delete(KEY)
    until(lambda: len(errors) == 3, "the failed deletion is logged")
    assert "\n" not in "".join(errors)


def test_deleting_waits_for_nobody(open_bucket: Open, errors: list[str]) -> None:
    """It follows a commit, in a thread of the database."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        storage = open_bucket(aws_endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        storage.delete(KEY)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(4) == b"POST"
            assert errors == []
    until(lambda: errors, "the deletion, which nobody answers, gives up")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"storage_url": "gs://bucket"}, "Unknown url scheme"),
        ({"storage_url": "s3://"}, "Unable to recognise"),
        ({"aws_secret_access_key": None}, "Missing SecretAccessKey"),
    ],
)
def test_mistakes_are_one_line(open_bucket: Open, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        open_bucket(**changes)
    message = str(caught.value)
    assert message.startswith("STORAGE_URL")
    assert (complaint in message, "\n" in message) == (True, False)


def test_extra_that_is_not_installed(open_bucket: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "project.storage.s3", None)
    with pytest.raises(ImproperlyConfigured, match=r"^STORAGE_URL needs the extra `s3`"):
        open_bucket()

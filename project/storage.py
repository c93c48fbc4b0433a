"""Where files are kept: a folder now, anything else that can put, open and delete by key.

A key is a path such as `items/4f/4f0c…-small.webp`. The code makes it, never a client, and
one that could lead out of the folder is refused all the same. A key is written once: new
content gets a new key, so whoever still reads the old one reads it to its end.
"""

import os
import re
import secrets
from pathlib import Path
from typing import BinaryIO, Protocol

from project.errors import NotFound, ProjectError
from project.settings import Settings

KEY = re.compile(r"[a-z0-9][a-z0-9_-]*(?:[./][a-z0-9_-]+)*")
LONGEST_KEY = 200


class FileMissing(NotFound):
    code = "file_not_found"
    title = "There is no such file"


class InvalidKey(ProjectError):
    """A key that the code made wrongly; a bug, not a client's mistake."""


class Storage(Protocol):
    """Keeps files by key. Every method may block: call it in a lane."""

    def put(self, key: str, content: bytes) -> None:
        """Keep the content, all of it or nothing."""
        ...

    def get(self, key: str) -> bytes:
        """Return the whole content. Raises FileMissing."""
        ...

    def open(self, key: str) -> BinaryIO:
        """Open the file for reading. Raises FileMissing."""
        ...

    def delete(self, key: str) -> None:
        """Forget the file; no error if there is none."""
        ...


class LocalStorage:
    """A folder, which all workers share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, content: bytes) -> None:
        """Write beside the target, then rename: a reader sees the whole file or none."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # the row that names it is about to be durable
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def get(self, key: str) -> bytes:
        with self.open(key) as file:
            return file.read()

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except FileNotFoundError as error:
            raise FileMissing from error

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        if len(key) > LONGEST_KEY or not KEY.fullmatch(key):
            raise InvalidKey(f"{key!r} is not a key: lower-case words, joined by / and dots.")
        return self.folder / key


def create_storage(settings: Settings) -> Storage:
    """Open the configured storage."""
    return LocalStorage(settings.media_directory)

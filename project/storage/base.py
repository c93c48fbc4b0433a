"""What a storage can do.

A key is a path such as `items/4f/4f0c…-small.webp`. The code makes it, never a client, and
one that could lead out of the folder is refused all the same. A key is written once: new
content gets a new key, so whoever still reads the old one gets it or is told that it is gone.
"""

import re
from typing import Protocol

from project.errors import NotFound, ProjectError, Unavailable

KEY = re.compile(r"[a-z0-9][a-z0-9_-]*(?:[./][a-z0-9_-]+)*")
LONGEST_KEY = 200


class FileMissing(NotFound):
    code = "file_not_found"
    title = "There is no such file"


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"
    title = "The files are out of reach; try again in a moment"


class InvalidKey(ProjectError):
    """A key that the code made wrongly; a bug, not a client's mistake."""


class Storage(Protocol):
    """Keeps files by key. `put` and `get` may block: call them in a lane."""

    def put(self, key: str, content: bytes) -> None:
        """Keep the content, all of it or nothing. Raises StorageUnavailable."""
        ...

    def get(self, key: str) -> bytes:
        """Return the whole content. Raises FileMissing and StorageUnavailable."""
        ...

    def delete(self, *keys: str) -> None:
        """Forget these files, now or soon; no error for those that are not there.

        It does not block, so that it may follow a commit in the database lane.
        """
        ...

    def close(self) -> None:
        """Leave what is still to be deleted, and give back what is held."""
        ...


def checked(key: str) -> str:
    """Return the key. Raises InvalidKey for one that could lead elsewhere."""
    if len(key) > LONGEST_KEY or not KEY.fullmatch(key):
        raise InvalidKey(f"{key!r} is not a key: lower-case words, joined by / and dots.")
    return key

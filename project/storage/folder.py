import os
import secrets
from pathlib import Path

from project.storage.base import FileMissing, checked


class FolderStorage:
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
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise FileMissing from error

    def delete(self, *keys: str) -> None:
        for path in [self._path(key) for key in keys]:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is held."""

    def _path(self, key: str) -> Path:
        return self.folder / checked(key)

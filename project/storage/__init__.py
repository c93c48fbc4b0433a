"""Where files are kept: a folder, or a bucket of S3 and what speaks like it.

base.py    what a storage can do, and what a key looks like
folder.py  a folder of this machine, which all workers share
s3.py      a bucket; needs the extra `s3`
"""

from project.errors import ImproperlyConfigured
from project.settings import Settings
from project.storage.base import FileMissing, InvalidKey, Storage, StorageUnavailable
from project.storage.folder import FolderStorage

__all__ = ["FileMissing", "InvalidKey", "Storage", "StorageUnavailable", "create_storage"]


def create_storage(settings: Settings) -> Storage:
    """Open the configured storage. Raises ImproperlyConfigured if it needs what is not there."""
    if settings.media.storage_url is None:
        return FolderStorage(settings.media_directory)
    try:
        from project.storage.s3 import BucketStorage  # noqa: PLC0415 - an extra of its own
    except ImportError as error:
        raise ImproperlyConfigured(
            "STORAGE_URL needs the extra `s3`: `uv sync --extra s3`, or `pip install obstore`."
        ) from error
    return BucketStorage(settings.media)

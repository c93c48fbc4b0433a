"""Files in a bucket, through obstore, which signs, repeats what may be repeated, and times out."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from loguru import logger
from obstore.exceptions import BaseError
from obstore.store import S3Store
from pydantic import SecretStr

from project.errors import ImproperlyConfigured
from project.settings import MediaSettings
from project.storage.base import FileMissing, StorageUnavailable, checked

CONNECT_TIMEOUT = timedelta(seconds=2)
TIMEOUT = timedelta(seconds=5)
"""Of one attempt from its first byte to its last, and of an attempt's beginning."""

RETRIES = 2


class BucketStorage:
    """A bucket of S3 or of a server that speaks like it, and a prefix for all keys.

    What the settings leave out (a key, a region), obstore looks for where AWS's own tools do:
    a role of the machine, a web identity, …
    """

    def __init__(self, media: MediaSettings) -> None:
        endpoint = media.aws_endpoint_url
        options = {
            "endpoint": endpoint,
            "region": media.aws_region,
            "access_key_id": _revealed(media.aws_access_key_id),
            "secret_access_key": _revealed(media.aws_secret_access_key),
        }
        given: dict[str, Any] = {name: value for name, value in options.items() if value}
        try:
            self._store = S3Store.from_url(
                media.storage_url or "",
                client_options={
                    "allow_http": (endpoint or "").startswith("http://"),
                    "connect_timeout": CONNECT_TIMEOUT,
                    "timeout": TIMEOUT,
                },
                retry_config={"max_retries": RETRIES, "retry_timeout": TIMEOUT},
                **given,
            )
        except (BaseError, ValueError) as error:
            raise ImproperlyConfigured(f"STORAGE_URL: {_first_line(error)}") from error
        # A thread of its own: a bucket that does not answer must not hold those of the database.
        self._deletions = ThreadPoolExecutor(1, thread_name_prefix="deletions")

    def put(self, key: str, content: bytes) -> None:
        with _saying_what_fails():
            self._store.put(checked(key), content)

    def get(self, key: str) -> bytes:
        with _saying_what_fails():
            try:
                return bytes(self._store.get(checked(key)).bytes())
            except FileNotFoundError as error:
                raise FileMissing from error

    def delete(self, *keys: str) -> None:
        self._deletions.submit(self._delete, [checked(key) for key in keys])

    def close(self) -> None:
        self._deletions.shutdown(wait=False, cancel_futures=True)

    def _delete(self, keys: list[str]) -> None:
        try:
            self._store.delete(keys)
        except (BaseError, OSError) as error:
            logger.error("Files are left that nobody needs: {} ({})", keys, _first_line(error))


@contextmanager
def _saying_what_fails() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        logger.error("The storage failed: {}", _first_line(error))
        raise StorageUnavailable from error


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip()

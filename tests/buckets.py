"""A bucket on a server that speaks S3, in a process of its own."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from project.settings import Settings
from tests.processes import free_port, until

BUCKET = "lintel"


@contextmanager
def bucket_server() -> Iterator[int]:
    """Start the server with one bucket; yield its port."""
    port = free_port()
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: _ask(port, "GET", "/") > 0, "the bucket's server answers")
            assert _ask(port, "PUT", f"/{BUCKET}") == 200
            yield port
        finally:
            process.terminate()


def bucket_settings(settings: Settings, port: int, **changes: Any) -> Settings:
    """Settings that keep uploads under a prefix of the bucket, unless told otherwise."""
    values = {
        "storage_url": f"s3://{BUCKET}/media",
        "aws_endpoint_url": f"http://127.0.0.1:{port}",
        "aws_access_key_id": SecretStr("key"),
        "aws_secret_access_key": SecretStr("secret"),
        **changes,
    }
    media = settings.media.model_copy(update=values)
    return settings.model_copy(update={"media": media})


def _ask(port: int, method: str, path: str) -> int:
    """Return the status of the answer; 0 while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()

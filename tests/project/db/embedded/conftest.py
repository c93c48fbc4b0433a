"""Embedded servers of the tests' own; each is deleted after its test."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from project.db.embedded import EmbeddedServer
from tests.project.db.embedded.support import query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server that has not been started, at a path with a space and quotes."""
    found = EmbeddedServer(tmp_path / 'it\'s a "new" project' / "pg", durable=False, timeout=15)
    yield found
    found.reset()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One cluster for every test that leaves its data in place: initdb takes long."""
    directory = tmp_path_factory.mktemp("it's shared") / "pg"
    found = EmbeddedServer(directory, durable=False, timeout=15)
    yield found
    found.reset()


@pytest.fixture
def running(shared: EmbeddedServer) -> EmbeddedServer:
    """A running server, whatever the test before did to it."""
    shared.start()
    query(shared, "DROP TABLE IF EXISTS kept")
    return shared


@pytest.fixture
def innocent() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of our business."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()

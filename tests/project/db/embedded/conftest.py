"""Embedded servers of the tests' own; each is deleted after its test."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from project.db.embedded import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh data directory to copy: ten times faster than to make one."""
    server = EmbeddedServer(tmp_path_factory.mktemp("template") / "pg", durable=False)
    server.start()
    server.stop()
    yield server.directory
    server.reset()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server that has not been started, at a path with a space and quotes."""
    found = EmbeddedServer(tmp_path / 'it\'s a "new" project' / "pg", durable=False, timeout=15)
    yield found
    found.reset()


@pytest.fixture
def running(server: EmbeddedServer, template: Path) -> EmbeddedServer:
    shutil.copytree(template, server.directory)
    server.start()
    return server


@pytest.fixture
def innocent() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of our business."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One running server for tests that only look."""
    found = EmbeddedServer(tmp_path_factory.mktemp("shared") / "pg", durable=False)
    shutil.copytree(template, found.directory)
    found.start()
    yield found
    found.reset()

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from project.settings import ROOT
from tests.processes import free_port, until

ORACLE = "tests.loadtests.lab.generator.oracle"


class Oracle:
    """A server whose waits are known, in a process of its own."""

    def __init__(self, port: int, address: str) -> None:
        self.host = f"http://{address}:{port}"

    def counts(self) -> dict[str, int]:
        """How many requests each path had; empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.host}/counts", timeout=5) as answer:  # noqa: S310 - ours
                counts: dict[str, int] = json.load(answer)
        except OSError:
            return {}
        return {"/counts": 0, **counts}


@contextmanager
def oracle_at(address: str) -> Iterator[Oracle]:
    port = free_port()
    words = [sys.executable, "-m", ORACLE, str(port), address]
    with subprocess.Popen(words, cwd=ROOT) as process:
        try:
            oracle = Oracle(port, address)
            until(oracle.counts, "the oracle")
            yield oracle
        finally:
            process.kill()  # it may have promised never to answer


@pytest.fixture
def oracle() -> Iterator[Oracle]:
    with oracle_at("127.0.0.1") as started:
        yield started

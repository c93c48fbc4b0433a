"""Verbs of the laboratory as a person runs them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.lab.measure import RESULTS
from project.settings import ROOT


@pytest.fixture
def results() -> Iterator[set[Path]]:
    """What was there before; what comes meanwhile is deleted."""
    before = set(RESULTS.glob("*"))
    yield before
    for path in set(RESULTS.glob("*")) - before:
        path.unlink()


def manage(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "loadtest", *words],
        cwd=ROOT,
        env={**os.environ, "ENVIRONMENT": "test", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

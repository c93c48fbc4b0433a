"""Who goes on after being told to end, and who does not."""

import signal
import time
from pathlib import Path

import pytest

from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database, serving

LONG = {"SHUTDOWN_DELAY": "50"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_person_does_not_wait(
    engine_database: TestDatabase, tmp_path: Path, workers: str
) -> None:
    words = ("runserver", "--no-reload", "--workers", workers)
    with (
        fresh_database(engine_database.engine) as url,
        serving(*words, env=environment_for(url, **LONG), log=tmp_path / "log") as server,
    ):
        began = time.monotonic()
        assert server.end(signal.SIGINT) == 0
        assert time.monotonic() - began < 25

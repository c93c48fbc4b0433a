"""What this machine is fit for."""

import pytest

from tests.loadtests.lab.commands.conftest import manage

pytestmark = pytest.mark.loadtest


def test_it_looks_at_everything_and_measures_its_own_ceiling() -> None:
    with manage("doctor") as process:
        said, complaints = process.communicate(timeout=120)
    assert complaints == ""
    assert process.returncode == 0
    assert "requests/s from one process" in said
    assert "max_connections" in said

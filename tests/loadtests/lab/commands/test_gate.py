"""What `loadtest gate` refuses before it measures anything."""

import pytest

from loadtests.lab.cli import main
from loadtests.lab.gate import PROFILES


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "1.5"])
def test_too_few_minutes_are_refused(capsys: pytest.CaptureFixture[str], minutes: str) -> None:
    """Six pairs are always measured, and would take longer than that."""
    words = ["gate", "--base", "HEAD", "--profile", "quick", "--minutes", minutes]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "The profile 'quick' needs 1.6 minutes at the least." in said
    assert said.count("\n") == 1


def test_one_server_needs_half_of_it() -> None:
    release = PROFILES["release"]
    assert release.fewest_minutes(sides=1) == release.fewest_minutes(sides=2) / 2
    assert all(it.fewest_minutes(sides=2) < it.minutes for it in PROFILES.values())

import argparse

import pytest

from loadtests.lab.commands import smoke
from project.errors import CommandError

pytestmark = pytest.mark.loadtest


def options(*scenarios: str, host: str | None = None) -> argparse.Namespace:
    return argparse.Namespace(scenarios=list(scenarios), host=host)


def test_every_journey_meets_what_it_expects(capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.handle(options()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2
    assert lines[-1].endswith("journeys met what they expect.")


def test_failures_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.handle(options("Health", host="http://127.0.0.1:9")) == 1
    out = capsys.readouterr().out
    assert "health.probe: GET /health/live: expected 200, got no answer" in out
    assert out.endswith("0 of 2 journeys met what they expect.\n")


def test_strangers_are_refused() -> None:
    with pytest.raises(CommandError, match="is not this machine"):
        smoke.handle(options(host="http://shop.example.com"))

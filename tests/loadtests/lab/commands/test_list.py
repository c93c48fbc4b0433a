import argparse

import pytest

from loadtests.lab.commands import list as command
from project.errors import CommandError


@pytest.mark.needs("items", "users")
def test_journeys_shares_and_coverage(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.handle(argparse.Namespace(scenarios=[])) == 0
    out = capsys.readouterr().out
    assert "items.illustrate" in out
    assert "POST /api/v1/items/{item_id}/image" in out
    unvisited = out.partition("Not visited:")[2].split("\n")
    assert "  POST /api/v1/auth/password-reset" in unvisited
    assert "  GET /api/v1/items/" not in unvisited


def test_one_scenario_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.handle(argparse.Namespace(scenarios=["Health"])) == 0
    shares = [line.split()[1] for line in capsys.readouterr().out.splitlines()[:3] if "." in line]
    assert shares[0] == "50.0%"


def test_unknown_scenario_is_wrong_usage() -> None:
    with pytest.raises(CommandError, match="Did you mean 'health'") as caught:
        command.handle(argparse.Namespace(scenarios=["Helth"]))
    assert caught.value.exit_code == 2

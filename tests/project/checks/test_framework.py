"""Ids: each is written once the README knows it, and says its level."""

import re

import pytest

from project.checks import Level, Problem, Subject
from project.checks.runner import known_ids
from project.settings import INSTALLED_APPS, ROOT

DOCUMENTED = re.compile(r"`(?:([a-z_]+)\.)?([DIWEC]\d{3})`")


def documented_ids() -> set[str]:
    """The ids in the tables of project/README.md: `a.W001`, `W002` stands for two of `a`."""
    found, tag = set[str](), ""
    text = (ROOT / "project/README.md").read_text("utf-8")
    for named, number in DOCUMENTED.findall(text.partition("## System checks")[2]):
        tag = named or tag
        found.add(f"{tag}.{number}")
    return found


@pytest.mark.needs("users", "throttling")
def test_every_id_is_documented() -> None:
    assert known_ids(Subject.load(INSTALLED_APPS)) == documented_ids()


@pytest.mark.parametrize("level", Level)
def test_the_letter_is_the_level(level: Level) -> None:
    assert Problem(f"shop.{level.name[0]}001", "It creaks.").level is level


@pytest.mark.parametrize("number", ["shop.W1", "shop.X001", "W001", "shop.W0011", "shop.w001"])
def test_what_is_no_id(number: str) -> None:
    with pytest.raises(ValueError, match="is no id of a problem"):
        Problem(number, "It creaks.")

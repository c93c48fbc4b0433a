"""The tables of faults and of hostile input: every test that they name is there."""

import re

import pytest

from project.settings import ROOT

FAULTS, HOSTILE = (
    (ROOT / "tests" / name / "README.md").read_text("utf-8") for name in ("faults", "hostile")
)


@pytest.mark.needs("items", "orders", "users")
@pytest.mark.parametrize("table", [FAULTS, HOSTILE], ids=["faults", "hostile"])
def test_named_tests_exist(table: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", table)
    assert len(named) > 20
    files = [(ROOT / file, name) for file, name in named]
    missing = [
        f"{file.name} {name}"
        for file, name in files
        if not file.exists() or f"def {name}" not in file.read_text("utf-8")
    ]
    assert missing == []


def test_every_fault_has_a_line() -> None:
    cells = re.findall(r"^\| ([\d, ]+) \|", FAULTS, re.MULTILINE)
    cases = [int(number) for cell in cells for number in cell.split(",")]
    assert cases == list(range(1, 35))

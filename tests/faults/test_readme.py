"""Every test that the table names is there, and every case has a line."""

import re
from pathlib import Path

from project.settings import ROOT

TABLE = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE)


def test_named_tests_exist() -> None:
    assert len(NAMED) > 30
    files = [(ROOT / file, name) for file, name in NAMED]
    missing = [n for f, n in files if not f.exists() or f"def {n}(" not in f.read_text("utf-8")]
    assert missing == []


def test_every_case_has_a_line() -> None:
    cells = re.findall(r"^\| ([\d, ]+) \|", TABLE, re.MULTILINE)
    cases = [int(number) for cell in cells for number in cell.split(",")]
    assert cases == list(range(1, 35))

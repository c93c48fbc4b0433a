"""What the tests measured, for whoever repeats README's figures (`pytest -s`, or FAULT_FIGURES)."""

import os
from pathlib import Path

VARIABLE = "FAULT_FIGURES"
"""Names a file to which each figure is added as a line."""


def note(what: str, value: float, unit: str = "s") -> None:
    """Write down how long something took, or how much of it there was."""
    line = f"{what:60} {value:8.2f} {unit}"
    print(line)  # noqa: T201 - shown with -s, and by a test that fails
    if os.environ.get(VARIABLE):
        with Path(os.environ[VARIABLE]).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

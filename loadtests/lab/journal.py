"""What a sweep has measured so far, kept on disk after each step, so that it can be taken up again.

All conclusions are functions of windows. A sweep that was interrupted draws the same ones from
the windows that it finds here, and measures only what is missing.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loadtests.lab.window import Part, Window
from project.errors import CommandError

SUFFIX = ".unfinished"


class Notes(Part):
    """The file: steps by name, in the order in which they were done."""

    id: str
    options: dict[str, Any] = {}
    """What the sweep was asked for; a taken up one goes on with them."""

    started: float
    spent: float = 0.0
    steps: dict[str, list[Window]] = {}
    bursts: dict[str, dict[str, Any]] = {}


class Journal:
    """Runs each step once: what is in the file already is not measured again."""

    def __init__(self, path: Path, notes: Notes) -> None:
        self.path = path
        self.notes = notes
        self._kept = time.monotonic()

    @classmethod
    def begin(cls, folder: Path, identity: str, *, started: float, **options: Any) -> "Journal":
        """Start a new file."""
        journal = cls(
            folder / f"{identity}{SUFFIX}", Notes(id=identity, started=started, options=options)
        )
        journal.keep()
        return journal

    @classmethod
    def latest(cls, folder: Path) -> "Journal":
        """Take up the sweep that was interrupted last. Raises CommandError if there is none."""
        found = sorted(folder.glob(f"*{SUFFIX}"))
        if not found:
            raise CommandError("No sweep was interrupted: start one without --resume.", exit_code=2)
        try:
            return cls(found[-1], Notes.model_validate_json(found[-1].read_text(encoding="utf-8")))
        except ValidationError as error:
            raise CommandError(
                f"{found[-1].name} was written by another version: delete it, and start anew.",
                exit_code=2,
            ) from error

    def windows(self, step: str, measure: Callable[[], list[Window]]) -> list[Window]:
        """Return the step's windows; measure them if that was not done yet."""
        if step not in self.notes.steps:
            self.notes.steps[step] = measure()
            self.keep()
        return self.notes.steps[step]

    def burst(self, step: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Do the same with what a burst brought."""
        if step not in self.notes.bursts:
            self.notes.bursts[step] = measure()
            self.keep()
        return self.notes.bursts[step]

    def all_windows(self) -> list[Window]:
        """Every window, in the order in which they were measured."""
        return [window for windows in self.notes.steps.values() for window in windows]

    def keep(self) -> None:
        """Write the file, whole or not at all."""
        now = time.monotonic()
        self.notes.spent += now - self._kept
        self._kept = now
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".draft")
        draft.write_text(self.notes.model_dump_json(), encoding="utf-8")
        draft.replace(self.path)

    def end(self) -> None:
        """Forget it: the result holds it all."""
        self.path.unlink(missing_ok=True)

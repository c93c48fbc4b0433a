"""Baselines: what a revision did on a class of machines, kept for those that come after it."""

import re
from collections.abc import Iterable
from pathlib import Path

from loadtests.lab.result import Machine, Result, Unreadable
from loadtests.lab.statistics import FEWEST_PAIRS
from loadtests.lab.window import Window
from project.errors import CommandError
from project.settings import ROOT

FOLDER = ROOT / "loadtests" / "baselines"


def read(path: Path) -> Result:
    """Read a result. Raises CommandError, with exit code 2, with the line that says why not."""
    try:
        return Result.load(path)
    except Unreadable as error:
        raise CommandError(str(error), exit_code=2) from error


def class_of(machine: Machine) -> str:
    """The class's name as a folder's: `2-core-a-processor-4-gib-linux`."""
    return re.sub(r"[^a-z0-9]+", "-", machine.name.lower()).strip("-")


def path_of(machine: Machine, profile: str, *, folder: Path = FOLDER) -> Path:
    """Where the baseline of this class and profile is kept."""
    return folder / class_of(machine) / f"{profile}.json"


def candidates(windows: Iterable[Window]) -> list[Window]:
    """Of a gate's or a baseline's windows those of the revision that was judged."""
    return [window for window in windows if window.name.endswith("B")]


def accept(result: Result, profile: str, *, folder: Path = FOLDER) -> Path:
    """Keep what the judged revision did. Raises CommandError if it is no gate, or void."""
    valid = [window for window in candidates(result.windows) if not window.voids]
    closed = [window for window in valid if window.model == "closed"]
    if result.kind != "gate" or len(closed) < FEWEST_PAIRS:
        raise CommandError(
            f"{result.id} has {len(closed)} valid windows of a gate, and {FEWEST_PAIRS} are "
            "needed: `manage.py loadtest gate --base HEAD` measures some.",
            exit_code=2,
        )
    path = path_of(result.machine, profile, folder=folder)
    kept = {"kind": "baseline", "windows": valid, "base": None, "gates": [], "notes": []}
    result.model_copy(update=kept).write(path)
    return path


def stored(machine: Machine, profile: str, *, folder: Path = FOLDER) -> Result:
    """Return the baseline of this class. Another class's is refused with a line."""
    path = path_of(machine, profile, folder=folder)
    if path.is_file():
        return read(path)
    others = sorted(found.parent.name for found in folder.glob(f"*/{profile}.json"))
    known = f" There are some of {', '.join(others)}, which proves nothing here." if others else ""
    raise CommandError(
        f"No baseline of {class_of(machine)} for the profile {profile}.{known} Compare with a "
        "revision (--base HEAD~1), or accept a result (loadtest baseline accept RESULT).",
        exit_code=2,
    )


def refuse_different(one: Result, other: Result) -> None:
    """Raise CommandError for results that cannot be held against each other."""
    if class_of(one.machine) != class_of(other.machine):
        raise CommandError(
            f"{one.id} is of {one.machine.name}, {other.id} of {other.machine.name}: "
            "figures of different machines say nothing about the code.",
            exit_code=2,
        )
    if one.mix_hash != other.mix_hash:
        raise CommandError(
            f"{one.id} and {other.id} had different journeys (mix): measure both with the same.",
            exit_code=2,
        )

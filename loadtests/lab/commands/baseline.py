"""Keep what a revision did as the baseline of machines like this one.

    python manage.py loadtest baseline list
    python manage.py loadtest baseline accept loadtests/results/20261123-210500-gate.json

A baseline is kept by class of machine and by profile in loadtests/baselines/; commit it. Only a
machine of the same class is ever compared with it.
"""

import argparse
from pathlib import Path

from loadtests.lab import baselines
from loadtests.lab.gate import PROFILES
from loadtests.lab.result import ExitCode
from project.errors import CommandError
from project.management.catalogue import shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["accept", "list"])
    parser.add_argument("result", nargs="?", type=Path, help="the file of a gate's result")
    parser.add_argument("--profile", choices=PROFILES, default="release", help="(release)")


def handle(options: argparse.Namespace) -> int:
    if options.action == "list":
        for path in sorted(baselines.FOLDER.glob("*/*.json")):
            kept = baselines.read(path)
            revision = kept.git.revision[:8] if kept.git else "no revision"
            print(f"{path.parent.name}  {path.stem}  {revision}")
        return ExitCode.PASS
    if options.result is None:
        raise CommandError("baseline accept needs the file of a result.", exit_code=2)
    path = baselines.accept(baselines.read(options.result), options.profile)
    print(f"Kept as {shown(path)}; commit it.")
    return ExitCode.PASS

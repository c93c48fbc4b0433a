"""Diagnose servers whose bottleneck is known: right answers here are what others rest on.

Takes about two minutes, with --short less than one. Exit code 1 for a wrong diagnosis.
"""

import argparse
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from loadtests.lab.burst import burst
from loadtests.lab.database import laboratory_database
from loadtests.lab.diagnosis import diagnose
from loadtests.lab.plants import PLANTS, Plant, growing, observe, prepare
from loadtests.lab.result import Cause, Diagnosis, Machine
from loadtests.lab.server import Server
from loadtests.lab.window import Window
from project.web.lanes import available_cores

SECONDS = 5.0
SHORT = 2.0
TRIES = 2
"""A busy machine may spoil one look; what is wrong twice is wrong."""

MORE = 4
"""Requests past `threads + connections`: as many are enough, but not every time."""


@dataclass(frozen=True)
class Finding:
    """What was planted, and what the diagnosis says."""

    plant: Plant
    diagnosis: Diagnosis
    window: Window

    @property
    def is_right(self) -> bool:
        found = self.diagnosis
        return found.cause == self.plant.cause and self.plant.names in found.summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--short", action="store_true", help="look at each for a shorter time")
    parser.add_argument("--only", default="", metavar="NAME", help="plants whose name contains it")
    parser.add_argument(
        "--record", type=Path, metavar="FOLDER", help="keep the windows, for the tests"
    )


def handle(options: argparse.Namespace) -> int:
    seconds = SHORT if options.short else SECONDS
    wanted = [plant for plant in PLANTS if options.only in plant.name]
    machine, began, wrong = this_machine(), time.monotonic(), 0
    with laboratory_database(users=10, items=10, orders=10) as url:
        prepare(url)
        for plant in wanted:
            with growing(plant, url) as server:
                finding = examine(plant, server, machine, seconds=seconds)
                show(finding)
            if plant.cause == Cause.LOCK_UP:
                with growing(plant, url) as fresh:  # nothing of the load is in flight there
                    print(f"              burst of {burst_of(plant, fresh)}", flush=True)
            wrong += not finding.is_right
            if options.record:
                record(finding, options.record)
    lasted = time.monotonic() - began
    print(f"{len(wanted) - wrong} of {len(wanted)} right, in {lasted:.0f} s.")
    return 1 if wrong else 0


def this_machine() -> Machine:
    """Say what the rules of thumb need: how many cores there are."""
    return Machine(
        cores=available_cores(),
        cpu=platform.processor(),
        memory=psutil.virtual_memory().total,
        system=platform.system(),
        python=platform.python_version(),
    )


def examine(plant: Plant, server: Server, machine: Machine, *, seconds: float) -> Finding:
    """Load a plant and diagnose it; look once more, for longer, if that was wrong."""
    for attempt in range(1, TRIES + 1):
        window = observe(plant, server, seconds=seconds * attempt)
        finding = Finding(plant, diagnose(window, machine), window)
        if finding.is_right:
            break
    return finding


def burst_of(plant: Plant, server: Server) -> str:
    """Say what a burst does that is larger than the law allows."""
    threads = int(dict(plant.config.variables)["THREADS"])
    outcome = burst(server, at_once=threads + plant.config.pool + MORE, times=2, path=plant.path)
    return outcome.summary


def record(finding: Finding, folder: Path) -> None:
    """Write a window down, `small_pool.json`."""
    name = finding.plant.name.lower().replace(" ", "_")
    text = finding.window.model_dump_json(indent=1)
    (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def show(finding: Finding) -> None:
    """Print one plant: planted, found, and why."""
    plant, found = finding.plant, finding.diagnosis
    mark = "right" if finding.is_right else "WRONG"
    print(f"{mark}  {plant.name:<20} planted: {plant.cause:<13} found: {found.cause}")
    for line in [found.summary, *found.evidence]:
        print(f"              {line}", flush=True)

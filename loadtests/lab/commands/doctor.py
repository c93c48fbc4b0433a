"""Say whether this machine is fit to measure on, and what to mend first.

It looks at cores, memory, limits of the system, what else is at work, the database's
connections, and how much one process of the generator can send. Exit code 2 if the laboratory would
refuse to run, else 0.
"""

import argparse
import os

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from loadtests.lab import machine
from loadtests.lab.database import Refused, refuse, refuse_address
from loadtests.lab.generator.driver import drive
from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.machine import Finding, Readings, examine
from loadtests.lab.result import ExitCode, Postgres
from loadtests.lab.trivial import answering
from project.db.engine import resolve_direct_url
from project.errors import ProjectError
from project.management import style
from project.settings import load_settings

CEILING_USERS = 20
CEILING_SECONDS = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quick", action="store_true", help="do not measure the generator (some seconds)"
    )


def handle(options: argparse.Namespace) -> int:
    readings = _read(is_quick=options.quick)
    for finding in examine(readings):
        _show(finding)
    return ExitCode.USAGE if readings.refusal else ExitCode.PASS


def _read(*, is_quick: bool) -> Readings:
    load = machine.load_average()  # before this process is part of it
    postgres, refusal, problem = _ask_database()
    return Readings(
        machine=machine.describe(),
        host_cores=os.cpu_count() or 1,
        load=load,
        steal=machine.steal(),
        files=machine.open_files(),
        backlog=machine.backlog(),
        ceiling=None if is_quick else _ceiling(),
        postgres=postgres,
        refusal=refusal,
        problems=[problem] if problem else [],
    )


def _ask_database() -> tuple[Postgres | None, str, str]:
    """What limits the connections; or why the laboratory refuses; or what is wrong with it."""
    try:
        settings = load_settings()
        refuse(settings)
        url = make_url(resolve_direct_url(settings))
        refuse_address(url)
        return machine.describe_postgres(url), "", ""
    except Refused as refusal:
        return None, str(refusal), ""
    except DBAPIError as error:
        return None, "", f"the database: {str(error.orig).partition(chr(10))[0]}"
    except ProjectError as error:
        return None, "", f"the database: {error}"


def _ceiling() -> float:
    """Requests a second that one process makes when the server takes no time."""
    with answering() as host:
        segment = Segment(
            name="ceiling", host=host, model="closed", seconds=CEILING_SECONDS, users=CEILING_USERS
        )
        (tally,) = drive(Plan(segments=(segment,), scenarios=("Health",)))
    return sum(route.ok.count for route in tally.routes) / tally.seconds


def _show(finding: Finding) -> None:
    mark = style.warning("warning") if finding.mend else style.success("ok     ")
    print(f"{mark}  {finding.subject:<16} {finding.found}")
    if finding.mend:
        print(f"{'':<9}{'':<17}{style.faint(finding.mend)}")

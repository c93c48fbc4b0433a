"""Checks of `deploy/capacity.toml`: what a load test found must still be about this deployment.

Whether its workers and pools fit into PostgreSQL is `database.E002`, which counts what settings
have in effect.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from project import capacity
from project.capacity import Capacity, Provenance
from project.checks.framework import Problem, Subject, check
from project.db.migrations.history import head_revision
from project.settings import Settings
from project.web.lanes import available_cores

OLDEST = timedelta(days=90)
ANEW = "Measure anew: `manage.py loadtest sweep`, then `loadtest apply`."


@check("capacity", deploy=True)
def capacity_is_known(subject: Subject) -> Iterator[Problem]:
    """Sizes that nobody measured are guesses, and old ones are of another program."""
    found = capacity.read_capacity()
    if found is None:
        yield Problem(
            "capacity.I001",
            "There is no deploy/capacity.toml: workers and pools are guessed, not measured.",
            hint="`manage.py loadtest sweep` measures them, `loadtest apply` writes it.",
        )
        return
    yield from _outdated(found.provenance)
    yield from _overridden(found, subject.settings)


def _outdated(provenance: Provenance) -> Iterator[Problem]:
    age = datetime.now(UTC) - provenance.measured
    if age > OLDEST:
        message = f"deploy/capacity.toml was measured {age.days} days ago."
        yield Problem("capacity.W001", message, hint=ANEW)
    if provenance.migration != head_revision():
        yield Problem(
            "capacity.W002",
            f"deploy/capacity.toml was measured at migration {provenance.migration}, and the "
            f"newest one is {head_revision()}.",
            hint=ANEW,
        )
    if provenance.cores != available_cores():
        yield Problem(
            "capacity.W003",
            f"deploy/capacity.toml is of a machine with {provenance.cores} cores, and this one "
            f"has {available_cores()}.",
            hint="Measure on a machine like this one, or run `check --deploy` where it runs.",
            obj=provenance.machine,
        )


def _overridden(found: Capacity, settings: Settings) -> Iterator[Problem]:
    """Only where the file counts at all; a variable may be right, but then nobody measured it."""
    effective = {
        "WORKERS": settings.server.workers,
        "DATABASE_POOL_SIZE": settings.database.pool_size,
        "CPU_LANE_SIZE": settings.lanes.cpu_lane_size,
    }
    for name, value in found.settings.items():
        if settings.is_deployed and effective[name] != value:
            yield Problem(
                "capacity.I002",
                f"{name} is {effective[name]}; what was measured is {value}.",
                hint=f"Leave {name} unset, or measure what it says.",
                obj=name,
            )

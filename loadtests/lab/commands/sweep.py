"""Find what the server carries, why not more, and the settings to run it with.

    python manage.py loadtest sweep                    20 minutes
    python manage.py loadtest sweep --minutes 60       surer
    python manage.py loadtest sweep --resume           go on with one that was interrupted

It starts the server in several configurations, loads them, names what limits the best one and
turns only that, finds the highest rate at which every line of loadtests/budgets.toml is kept, and
recommends the smallest configuration that carries it. `loadtest apply` writes it down.
"""

import argparse

from loadtests.lab.bench import Bench
from loadtests.lab.database import laboratory_database
from loadtests.lab.journal import Journal
from loadtests.lab.keeping import Keeper, known_routes
from loadtests.lab.machine import describe_postgres
from loadtests.lab.measure import RESULTS, Laboratory, start_result
from loadtests.lab.progress import Progress, duration
from loadtests.lab.publishing import publish
from loadtests.lab.result import ExitCode, Outcome, Result
from loadtests.lab.running import Running
from loadtests.lab.schedule import fit
from loadtests.lab.sweep import Found, Sweep
from project.errors import CommandError

MINUTES = 20.0
FEWEST = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, help="how long it may take (20)")
    parser.add_argument("--resume", action="store_true", help="go on with the one interrupted last")


def handle(options: argparse.Namespace) -> int:
    if options.minutes is not None and not options.minutes >= FEWEST:
        raise CommandError(f"A sweep needs {FEWEST:g} minutes at the least.", exit_code=2)
    result = start_result("sweep")
    journal = _journal(options, result)
    try:
        found = _measure(journal, result)
    except BaseException:
        print(f"Interrupted after {duration(journal.notes.spent)}: `sweep --resume` goes on.")
        raise
    code = publish(result, *conclude(result, found))
    journal.end()
    return code


def conclude(result: Result, found: Found) -> tuple[ExitCode, str]:
    """Say what the sweep comes down to."""
    chosen = found.recommendation
    if chosen is not None:
        said = (
            f"Run {chosen.config.workers} worker(s) with {chosen.config.pool} connections each: "
            f"{chosen.capacity.rate:.0f} requests/s within budget."
        )
        missed = [gate for gate in result.gates if gate.outcome is Outcome.FAIL]
        if missed:
            return ExitCode.BUDGET, f"{said} {missed[0].metric} of {missed[0].scope} is not kept."
        return ExitCode.PASS, said
    if found.locked_up:
        labels = ", ".join(config.label for config in found.locked_up)
        return ExitCode.LOCK_UP, f"A burst locked up {labels}."
    if found.capacities:
        limit = found.capacities[0].limited_by
        return ExitCode.BUDGET, f"No rate that was tried keeps the budgets: {limit}."
    return ExitCode.VOID, f"Void at every rate that was offered: {most_frequent_void(result)}"


def most_frequent_void(result: Result) -> str:
    """The reason that made most windows void."""
    reasons = [reason for window in result.windows for reason in window.voids]
    return max(reasons, key=reasons.count, default="nothing was measured.")


def _journal(options: argparse.Namespace, result: Result) -> Journal:
    if not options.resume:
        minutes = options.minutes or MINUTES
        return Journal.begin(RESULTS, result.id, started=result.started, minutes=minutes)
    if options.minutes is not None:
        raise CommandError("--resume goes on with the minutes that were asked for.", exit_code=2)
    journal = Journal.latest(RESULTS)
    result.id, result.started = journal.notes.id, journal.notes.started
    return journal


def _measure(journal: Journal, result: Result) -> Found:
    schedule = fit(journal.notes.options["minutes"])
    progress = Progress(schedule.seconds - journal.notes.spent)
    laboratory = Laboratory(on_segment=lambda segment: progress.say(segment.name))
    with laboratory_database() as url, Running(url) as running, progress.ticking():
        result.postgres = describe_postgres(url)
        keeper = Keeper.load(known_routes(), result.machine, result.postgres)
        bench = Bench(
            running=running,
            laboratory=laboratory,
            journal=journal,
            schedule=schedule,
            progress=progress,
        )
        found = Sweep(bench, keeper, result.machine, result.postgres).run()
    result.windows, result.notes = journal.all_windows(), found.notes
    result.diagnoses, result.capacities = found.diagnoses, found.capacities
    result.recommendation, result.budgets = found.recommendation, keeper.written()
    chosen = found.recommendation
    if chosen is not None and found.soak:
        timeouts = found.pool_timeouts.get(chosen.config)
        result.gates = keeper.gates(found.soak, pool_timeouts=timeouts)
    return found

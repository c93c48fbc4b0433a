"""Load the server once, in one configuration, and say what it did.

    python manage.py loadtest run --users 20 --duration 30
    python manage.py loadtest run --rate 50 --workers 2 --pool 8 --scenario Items
    python manage.py loadtest run --users 5 --host http://127.0.0.1:8000

`--users` is the closed model: each begins its next journey when the last one is over. `--rate` is
the open one: so many journeys a second, whatever the server does. Without `--host` the laboratory
starts the server as a deployment does, on a database of its own. The result and its report are
written to loadtests/results/.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from loadtests.hosts import refusal
from loadtests.lab.database import laboratory_database
from loadtests.lab.diagnosis import diagnose
from loadtests.lab.elsewhere import Elsewhere
from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.measure import Laboratory, Observed, current_config, start_result
from loadtests.lab.progress import Progress
from loadtests.lab.publishing import publish
from loadtests.lab.result import ExitCode
from loadtests.lab.server import serving
from loadtests.lab.window import Config, Window
from project.errors import CommandError
from project.management.parser import positive

WARM_UP = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    load = parser.add_mutually_exclusive_group()
    load.add_argument("--users", type=positive, help="closed model: users at a time (10)")
    load.add_argument("--rate", type=_above_zero, help="open model: journeys a second")
    parser.add_argument("--duration", type=_above_zero, default=30.0, help="seconds (30)")
    parser.add_argument("--workers", type=positive, help="processes of the server (as set)")
    parser.add_argument("--pool", type=positive, help="connections of a worker (as set)")
    parser.add_argument("--scenario", action="append", default=[], help="Items; may be repeated")
    parser.add_argument("--processes", type=positive, default=1, help="of the generator (1)")
    parser.add_argument("--host", help="a server that runs already, http://127.0.0.1:8000")


def handle(options: argparse.Namespace) -> int:
    _check(options)
    result = start_result("run", scenarios=options.scenario)
    result.windows = _measure(options)
    code, summary = conclude(result.windows[-1])
    if not options.host:
        result.diagnoses = [diagnose(result.windows[-1], result.machine)]
    return publish(result, code, summary)


def conclude(window: Window) -> tuple[ExitCode, str]:
    """Say what the window comes down to."""
    timeouts = sum(pool.timeouts for worker in window.workers for pool in worker.pools.values())
    if timeouts:
        return ExitCode.LOCK_UP, f"{timeouts} requests waited for a connection until they gave up."
    if window.voids:
        return ExitCode.VOID, f"Void: {window.voids[0]}"
    said = f"{window.rate:.0f} requests/s, p95 {1000 * (window.quantile(0.95) or 0):.0f} ms"
    if window.error_rate:
        complaints = [
            (times, f"{route.route}: {complaint}")
            for route in window.routes
            for complaint, times in route.complaints.items()
        ]
        worst = max(complaints)[1] if complaints else "see the report"
        return ExitCode.BUDGET, f"{said}; {window.error_rate:.1%} failed, most often {worst}."
    return ExitCode.PASS, f"{said}, without a failure."


def _measure(options: argparse.Namespace) -> list[Window]:
    progress = Progress(WARM_UP + options.duration)
    progress.say("starting")
    with _server(options) as server:
        run = Segment(
            name="run",
            host=server.host,
            model="open" if options.rate else "closed",
            seconds=options.duration,
            rate=options.rate or 0.0,
            users=0 if options.rate else options.users or 10,
        )
        warm_up = replace(run, name="warm-up", seconds=WARM_UP, is_measured=False)
        plan = Plan(
            segments=(warm_up, run),
            scenarios=tuple(options.scenario),
            processes=options.processes,
        )
        progress.restart()
        laboratory = Laboratory(on_segment=lambda segment: progress.say(segment.name))
        with progress.ticking():
            return laboratory.measure([server], plan)


@contextmanager
def _server(options: argparse.Namespace) -> Iterator[Observed]:
    if options.host:
        yield Elsewhere(options.host.rstrip("/"))
        return
    current = current_config()
    config = Config(workers=options.workers or current.workers, pool=options.pool or current.pool)
    with laboratory_database() as url, serving(config, url) as server:
        yield server


def _check(options: argparse.Namespace) -> None:
    if not options.host:
        return
    if reason := refusal(options.host):
        raise CommandError(reason, exit_code=2)
    if options.workers or options.pool:
        raise CommandError(
            "--workers and --pool are for the server that the laboratory starts: leave them out "
            "beside --host.",
            exit_code=2,
        )


def _above_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return number

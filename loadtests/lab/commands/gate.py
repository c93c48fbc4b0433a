"""Decide whether this tree may be released: its budgets, and whether it got worse.

    python manage.py loadtest gate --base HEAD~1           beside another revision
    python manage.py loadtest gate --base main --junit gate.xml
    python manage.py loadtest gate                         against a stored baseline

With --base both revisions run side by side, each with a database of its own, and load goes from one
to the other and back: that is the comparison to trust. A stored baseline is of another day. It ends
with 0 only if every line of loadtests/budgets.toml is kept.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtests.lab import baselines
from loadtests.lab.budgets import BUDGETS, Budgets, evaluate
from loadtests.lab.burst import burst
from loadtests.lab.commands.compare import table
from loadtests.lab.database import laboratory_database, own_name
from loadtests.lab.gate import PROFILES, Profile, Turn, judge, run_alone, run_pairs
from loadtests.lab.generator.plan import Plan, Segment
from loadtests.lab.junit import write_junit
from loadtests.lab.keeping import known_routes
from loadtests.lab.machine import describe_postgres
from loadtests.lab.measure import Laboratory, current_config, start_result
from loadtests.lab.metrics import Evidence
from loadtests.lab.progress import Progress
from loadtests.lab.publishing import publish
from loadtests.lab.regression import compare, compare_stored, floor_of, paired
from loadtests.lab.result import Gate, Git, Result
from loadtests.lab.server import Server, serving
from loadtests.lab.window import Config, Window
from loadtests.lab.worktree import Tree, checked_out
from project.errors import CommandError
from project.management.parser import positive

WARM_UP = 4.0


@dataclass
class Judged:
    """What is measured: this tree, and its base if that runs beside it."""

    candidate: Server
    base: Server | None = None
    notes: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", metavar="GITREF", help="the revision to run beside this tree")
    parser.add_argument("--profile", choices=PROFILES, default="release", help="(release)")
    parser.add_argument("--minutes", type=float, help="how long it may measure (the profile's)")
    parser.add_argument("--workers", type=positive, help="processes of a server (as set)")
    parser.add_argument("--pool", type=positive, help="connections of a worker (as set)")
    parser.add_argument("--junit", type=Path, metavar="PATH", help="write JUnit XML, too")


def handle(options: argparse.Namespace) -> int:
    profile = PROFILES[options.profile]
    if options.minutes is not None:
        profile = _shortened(profile, options.minutes, sides=2 if options.base else 1)
    budgets = Budgets.load(BUDGETS, known_routes())
    result = start_result("gate")
    baseline = None if options.base else baselines.stored(result.machine, profile.name)
    if baseline is not None:
        baselines.refuse_different(baseline, result)
    result.gates = _decide(options, profile, budgets, result, baseline)
    verdict = judge(result.gates)
    code = publish(result, verdict.code, verdict.summary)
    print(*table(result.gates), *result.notes, sep="\n")
    if options.junit:
        write_junit(result, options.junit)
    return code


def _shortened(profile: Profile, minutes: float, *, sides: int) -> Profile:
    """Return the profile with other minutes. Raises CommandError if its first windows take more."""
    fewest = profile.fewest_minutes(sides=sides)
    if not minutes >= fewest:
        raise CommandError(
            f"The profile '{profile.name}' needs {fewest:.1f} minutes at the least"
            f"{'' if profile.name == 'quick' else '; `--profile quick` needs fewer'}.",
            exit_code=2,
        )
    return replace(profile, minutes=minutes)


def _decide(
    options: argparse.Namespace,
    profile: Profile,
    budgets: Budgets,
    result: Result,
    baseline: Result | None,
) -> list[Gate]:
    """Measure, and hold what was seen against the budgets and the base."""
    progress = Progress(60 * profile.minutes)
    with progress.ticking(), _servers(options, result) as judged:
        progress.restart()
        measure = _measure(judged, progress)
        began = time.monotonic()
        if baseline is None:
            result.windows = run_pairs(measure, budgets, profile, clock=time.monotonic)
        else:
            offered = next((window.offered for window in baseline.windows if window.offered), None)
            result.windows = run_alone(measure, profile, rate=offered)
        minutes = (time.monotonic() - began) / 60
        progress.say("burst")
        config = judged.candidate.config
        outcome = burst(judged.candidate, at_once=config.workers * (2 * config.pool + 1))
    result.notes += judged.notes
    mine = baselines.candidates(result.windows)
    evidence = Evidence(mine, result.machine, result.postgres, pool_timeouts=outcome.pool_timeouts)
    absolute = evaluate(budgets, evidence)
    if baseline is not None:
        old = baseline.windows
        return [*compare_stored(budgets.regression, old, mine), *absolute]
    pairs = paired(result.windows)
    result.notes.append(f"This machine tells apart what differs by {floor_of(pairs):.0%}, no less.")
    return [*compare(budgets.regression, pairs, minutes=minutes), *absolute]


@contextmanager
def _servers(options: argparse.Namespace, result: Result) -> Iterator[Judged]:
    """Start this tree, and the base beside it, each on a database of its own."""
    current = current_config()
    config = Config(workers=options.workers or current.workers, pool=options.pool or current.pool)
    with ExitStack() as stack:
        url = stack.enter_context(laboratory_database())
        result.postgres = describe_postgres(url)
        judged = Judged(stack.enter_context(serving(config, url)))
        if options.base:
            tree: Tree = stack.enter_context(checked_out(options.base))
            result.base = Git(revision=tree.revision, is_dirty=False)
            judged.notes += [tree.note] if tree.note else []
            beside = stack.enter_context(
                laboratory_database(
                    server=url, name=own_name(url.set(database="base")), migrate=tree.migrate
                )
            )
            of_base = config.model_copy(update={"revision": tree.revision})
            judged.base = stack.enter_context(
                serving(of_base, beside, root=tree.root, python=tree.python)
            )
        yield judged


def _measure(judged: Judged, progress: Progress) -> Callable[[Sequence[Turn]], list[Window]]:
    """Let the generator walk through turns; each server is warmed up before."""
    servers = {"B": judged.candidate} | ({"A": judged.base} if judged.base else {})
    laboratory = Laboratory(on_segment=lambda segment: progress.say(segment.name))

    def measure(turns: Sequence[Turn]) -> list[Window]:
        used = {turn.side: turn for turn in turns}
        warming = [
            replace(_segment(turn, servers[side]), name="warm-up", is_measured=False)
            for side, turn in used.items()
        ]
        warming = [replace(segment, seconds=WARM_UP) for segment in warming]
        measured = [_segment(turn, servers[turn.side]) for turn in turns]
        plan = Plan(segments=(*warming, *measured))
        return laboratory.measure([servers[side] for side in used], plan)

    return measure


def _segment(turn: Turn, server: Server) -> Segment:
    return Segment(
        name=turn.name,
        host=server.host,
        model=turn.model,
        seconds=turn.seconds,
        rate=turn.rate,
        users=turn.users,
        seed=turn.seed,
    )

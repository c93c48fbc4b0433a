"""Look for problems in the project and its apps.

Broken settings, a broken app and models that do not fit together end it at once, with one
line. The rest is listed with ids and hints; SILENCED_CHECKS takes ids that are known and
accepted. The database is looked at if it can be reached.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from project.checks import Level, Problem, Subject, collect_checks, run_checks
from project.checks.framework import UNREACHABLE, UNSEEN
from project.db.engine import has_database
from project.errors import CommandError
from project.management import style
from project.management.environment import open_connection
from project.management.parser import suggestion

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-t",
        "--tag",
        action="append",
        default=[],
        help="run the checks of this tag alone; may be repeated",
    )
    parser.add_argument(
        "--list-tags", action="store_true", help="list the tags there are, check nothing"
    )
    parser.add_argument(
        "--deploy", action="store_true", help="look at what matters in a deployment, too"
    )
    parser.add_argument(
        "--fail-level",
        type=str.upper,
        choices=[level.name for level in reversed(Level)],
        default=Level.ERROR.name,
        help="the lowest level that makes the exit code 1 (default: %(default)s)",
    )
    look = parser.add_mutually_exclusive_group()
    look.add_argument(
        "--database", action="store_true", help="fail if the database cannot be reached"
    )
    look.add_argument("--no-database", action="store_true", help="leave the database alone")


def handle(options: argparse.Namespace) -> int:
    subject = Subject.load()
    tags = sorted({found.tag for found in collect_checks(subject, deploy=options.deploy)})
    if options.list_tags:
        print(*tags, sep="\n")
        return 0
    _refuse_unknown(options.tag, tags, is_deploy=options.deploy)
    problems = _find(subject, options)
    loud = [found for found in problems if found.id not in subject.settings.general.silenced_checks]
    silenced = f"({len(problems) - len(loud)} silenced)"
    if not loud:
        print(style.success(f"System check identified no issues {silenced}."))
        return 0
    print(_report(loud, silenced), file=sys.stderr)
    return 1 if loud[0].level >= Level[options.fail_level] else 0


def _refuse_unknown(wanted: Iterable[str], tags: list[str], *, is_deploy: bool) -> None:
    for tag in wanted:
        if tag not in tags:
            more = "" if is_deploy else " More of them have --deploy."
            hint = suggestion(tag, tags) or f"There are: {', '.join(tags)}.{more}"
            raise CommandError(f"No check has the tag {tag!r}. {hint}", exit_code=2)


def _find(subject: Subject, options: argparse.Namespace) -> list[Problem]:
    unreachable: list[Problem] = []
    with ExitStack() as stack:
        if options.database or (has_database(subject.settings) and not options.no_database):
            try:
                connection = stack.enter_context(open_connection(subject.settings))
            except CommandError as error:
                is_needed = options.database or options.deploy
                unreachable = [Problem(UNREACHABLE if is_needed else UNSEEN, str(error))]
            else:
                subject = replace(subject, connection=connection)
        found = run_checks(subject, options.tag, deploy=options.deploy)
    return sorted([*unreachable, *found], key=lambda problem: -problem.level)


def _report(problems: list[Problem], silenced: str) -> str:
    lines = ["System check identified some issues:", ""]
    for level, group in groupby(problems, key=lambda problem: problem.level):
        paint = style.failure if level >= Level.ERROR else style.warning
        lines += [style.heading(f"{level.name}S:", sys.stderr)]
        lines += [paint(str(problem), sys.stderr) for problem in group]
        lines += [""]
    count = f"{len(problems)} issue{'s' if len(problems) > 1 else ''}"
    return "\n".join([*lines, f"System check identified {count} {silenced}."])

"""Look for problems in the project and its apps.

Broken settings, a broken app and models that do not fit together end it at once, with one
line. The rest is listed with ids and hints. No database is needed.
"""

from __future__ import annotations

import sys
from itertools import groupby
from typing import TYPE_CHECKING

from project.checks import Level, Subject, collect_checks, run_checks
from project.errors import CommandError
from project.management import style
from project.management.parser import suggestion

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from project.checks import Problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-t", "--tag", action="append", default=[], help="run these checks only; may be repeated"
    )
    parser.add_argument("--list-tags", action="store_true", help="list the tags and do nothing")
    parser.add_argument(
        "--fail-level",
        choices=[level.name for level in reversed(Level)],
        default=Level.ERROR.name,
        help="the lowest level that makes the exit code 1 (default: %(default)s)",
    )


def handle(options: argparse.Namespace) -> int:
    subject = Subject.load()
    tags = sorted({found.tag for found in collect_checks(subject)})
    if options.list_tags:
        print(*tags, sep="\n")
        return 0
    _refuse_unknown(options.tag, tags)
    problems = run_checks(subject, options.tag)
    if not problems:
        print(style.success("System check identified no issues (0 silenced)."))
        return 0
    print(_report(problems), file=sys.stderr)
    return 1 if problems[0].level >= Level[options.fail_level] else 0


def _refuse_unknown(wanted: Iterable[str], tags: list[str]) -> None:
    for tag in wanted:
        if tag not in tags:
            hint = suggestion(tag, tags) or f"There are: {', '.join(tags)}."
            raise CommandError(f"No check has the tag {tag!r}. {hint}", exit_code=2)


def _report(problems: list[Problem]) -> str:
    lines = ["System check identified some issues:", ""]
    for level, group in groupby(problems, key=lambda problem: problem.level):
        paint = style.failure if level >= Level.ERROR else style.warning
        lines += [style.heading(f"{level.name}S:", sys.stderr)]
        lines += [paint(str(problem), sys.stderr) for problem in group]
        lines += [""]
    count = f"{len(problems)} issue{'s' if len(problems) > 1 else ''}"
    return "\n".join([*lines, f"System check identified {count} (0 silenced)."])

"""Show which journeys visitors make, how often, and which routes nobody visits.

python manage.py loadtest list
python manage.py loadtest list Items Orders     only these scenarios
"""

import argparse
from collections.abc import Sequence

from loadtests.lab.generator.mix import Entry, hash_of, mix_of
from loadtests.lab.generator.routes import check, documented, unvisited
from project.checks import Subject
from project.management import style


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="of these alone")


def handle(options: argparse.Namespace) -> int:
    mix = mix_of(options.scenarios)
    document = Subject.load().application.openapi()
    known = documented(document)
    for line in _listing(mix, known):
        print(line)
    left = unvisited(mix, document)
    print(f"\n{len(known) - len(left)} of {len(known)} routes are visited; mix {hash_of(mix)}.")
    if left:
        print(style.faint("Not visited:\n" + "\n".join(f"  {route}" for route in left)))
    return 0


def _listing(mix: Sequence[Entry], known: Sequence[str]) -> list[str]:
    width = max(len(entry.name) for entry in mix)
    lines = []
    for entry in mix:
        first, *others = check(entry, known)
        lines.append(f"{entry.name:<{width}}  {entry.share:>6.1%}  {first}")
        lines += [f"{'':<{width}}  {'':>6}  {route}" for route in others]
    return lines

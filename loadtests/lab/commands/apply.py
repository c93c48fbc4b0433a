"""Write what a sweep recommends to deploy/capacity.toml, which settings read when deployed.

    python manage.py loadtest apply loadtests/results/20261123-210500-sweep.json
    python manage.py loadtest apply RESULT --dry-run

Variables of the environment, `.env` and secrets win over it. `check --deploy` says when it has
become old, is of another machine, or is overridden.
"""

import argparse
import difflib
from datetime import UTC, datetime
from pathlib import Path

from loadtests.lab.baselines import read
from loadtests.lab.result import ExitCode, Recommendation, Result
from project import capacity
from project.db.migrations.history import head_revision
from project.errors import CommandError
from project.management.catalogue import shown

HEADER = """\
# What a load test found this project to need; `manage.py loadtest apply` writes it.
# Settings read it in staging and production, after the environment, .env and secrets.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("result", type=Path, help="the file of a sweep's result")
    parser.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")


def handle(options: argparse.Namespace) -> int:
    path = capacity.FILE
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    after = render(read(options.result))
    print(*difference(before, after, shown(path)), sep="\n")
    if options.dry_run or before == after:
        return ExitCode.PASS
    path.parent.mkdir(exist_ok=True)
    path.write_text(after, encoding="utf-8")
    print(f"Wrote {shown(path)}; commit it, and `check --deploy` watches over it.")
    return ExitCode.PASS


def render(result: Result) -> str:
    """Return the file. Raises CommandError, with exit code 2, where nothing is recommended."""
    found = result.recommendation
    if found is None:
        raise CommandError(
            f"{result.id} recommends nothing: only a sweep that found a capacity does "
            "(manage.py loadtest sweep).",
            exit_code=2,
        )
    lines = [f"{name} = {value}" for name, value in settings_of(found).items()]
    revision = result.git.revision if result.git else "none"
    measured = datetime.fromtimestamp(result.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    provenance = [
        f"measured = {measured}",
        f"revision = {_quoted(revision + (' and changes' if _is_dirty(result) else ''))}",
        f"migration = {_quoted(head_revision() or 'none')}",
        f"machine = {_quoted(result.machine.name)}",
        f"cores = {result.machine.cores}",
        f"capacity = {found.capacity.rate:.1f}  # requests a second within every budget",
        f"operating_rate = {found.operating_rate:.1f}  # requests a second to plan with",
        f"run = {_quoted(result.id)}",
    ]
    return "\n".join([HEADER, "[settings]", *lines, "", "[provenance]", *provenance, ""])


def settings_of(found: Recommendation) -> dict[str, int]:
    """The settings that a deployment reads; other variables are not of this file."""
    variables = {
        name: int(value)
        for name, value in found.config.variables
        if name in capacity.NAMES and value.isdecimal()
    }
    sizes = {"WORKERS": found.config.workers, "DATABASE_POOL_SIZE": found.config.pool}
    return sizes | variables


def difference(before: str, after: str, name: str) -> list[str]:
    """The lines that change, as a patch shows them."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), name, name, n=2, lineterm=""
    )
    return list(lines) or [f"{name} says so already."]


def _is_dirty(result: Result) -> bool:
    return result.git is not None and result.git.is_dirty


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(letter if letter.isprintable() else " " for letter in escaped)}"'

"""Look for what in new migrations locks tables for long or breaks running code.

Their SQL goes through squawk, a linter for PostgreSQL. Without arguments those migrations are
looked at that the git branch main does not have. Where something is unsafe on purpose, a comment
in the migration says so, with the reason:

    # lint: allow adding-required-field -- the table is empty until the next release
"""

import argparse
import subprocess
import sys
from pathlib import Path

from project.db.migrations import VERSIONS, Revision, all_revisions, find_revision
from project.errors import CommandError
from project.management import style
from project.management.catalogue import ROOT, shown
from project.management.migration_lint import Finding, lint_migration

BASE = "main"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("revisions", nargs="*", help="look at these, 0007 say")
    parser.add_argument("--all", action="store_true", help="look at every migration")
    parser.add_argument(
        "--base", metavar="BRANCH", help=f"look at what this branch does not have (default: {BASE})"
    )


def handle(options: argparse.Namespace) -> int:
    scripts = _chosen(options)
    if not scripts:
        print(f"{options.base or BASE} has every migration; --all looks at them all the same.")
        return 0
    found = {script.revision: lint_migration(script) for script in scripts}
    for script in scripts:
        for finding in found[script.revision]:
            print(_shown(script, finding))
    return _conclude([len(findings) for findings in found.values()])


def _chosen(options: argparse.Namespace) -> list[Revision]:
    if options.revisions:
        return [find_revision(name) for name in options.revisions]
    if options.all:
        return list(all_revisions())
    if options.base == "":
        raise CommandError("--base names a branch, main say, not nothing.", exit_code=2)
    known = _files_in(options.base or BASE)
    if known is None and options.base:
        raise CommandError(
            f"git knows no '{options.base}' here: name a branch, or use --all.", exit_code=2
        )
    if known is None:
        print(f"git knows no '{BASE}' here: looking at all migrations.", file=sys.stderr)
    return [script for script in all_revisions() if script.path.name not in (known or ())]


def _files_in(base: str) -> set[str] | None:
    """Return the names of the migrations in a branch; None where that cannot be known."""
    place = VERSIONS.relative_to(ROOT).as_posix()
    try:
        listed = subprocess.run(
            ["git", "ls-tree", "-r", "-z", "--name-only", base, "--", f"{place}/"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    except OSError:  # git is not installed
        return None
    return (
        {Path(name).name for name in listed.stdout.split("\0")} if not listed.returncode else None
    )


def _shown(script: Revision, finding: Finding) -> str:
    lines = [f"{style.heading(shown(script.path))}: {style.warning(finding.rule)}"]
    lines += [f"    {style.faint(finding.statement)}", f"    {finding.message}"]
    lines += [f"    {finding.safe_way}"] if finding.safe_way else []
    return "\n".join(lines)


def _conclude(counts: list[int]) -> int:
    looked = f"{len(counts)} migration{'s' if len(counts) > 1 else ''}"
    total = sum(counts)
    if not total:
        print(style.success(f"Nothing unsafe in {looked}."))
        return 0
    print(f"{total} problem{'s' if total > 1 else ''} in {looked}. ", end="")
    print("What is meant is allowed by a comment in the file: # lint: allow RULE -- REASON")
    return 1

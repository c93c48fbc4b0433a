"""Asking before something is lost."""

from __future__ import annotations

import sys

from project.errors import CommandError


def confirm(question: str) -> None:
    """Ask for a yes. Raises CommandError without one, and where there is nobody to ask."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask at: add --noinput to do it all the same.")
    if input(f"{question} Type 'yes' to go on: ").strip().lower() != "yes":
        raise CommandError("Nothing was deleted.")

"""Asking before something is lost."""

from __future__ import annotations

import sys

from project.errors import CommandError


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def require_terminal() -> None:
    """Raise CommandError if there is nobody to ask; before anything is shown to nobody."""
    if not is_terminal():
        raise CommandError("There is no terminal to ask at: add --noinput to do it all the same.")


def confirm(question: str) -> None:
    """Ask for a yes. Raises CommandError without one, and where there is nobody to ask."""
    require_terminal()
    if input(f"{question} Type 'yes' to go on: ").strip().lower() != "yes":
        raise CommandError("Nothing was deleted.")

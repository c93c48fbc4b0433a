"""System checks: what is wrong with this project, found before a request finds it.

An app brings its own in `<app>/checks.py`; the project's are in this folder and use the same
decorators:

    @check("items")
    def image_folder_exists(subject: Subject) -> Iterator[Problem]:
        if not folder.is_dir():
            yield Problem("items.W001", "…", hint="…")
"""

from project.checks.framework import Check, Level, Problem, Subject, check, check_database
from project.checks.runner import collect_checks, run_checks

__all__ = [
    "Check",
    "Level",
    "Problem",
    "Subject",
    "check",
    "check_database",
    "collect_checks",
    "run_checks",
]

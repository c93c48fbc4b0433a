"""Checks of the variables that settings are read from."""

from collections.abc import Iterator

from project.app_settings import find_unknown
from project.checks.framework import Problem, Subject, check


@check("settings")
def variables_are_read(subject: Subject) -> Iterator[Problem]:
    """A misspelt name is no error anywhere else: its setting just keeps the default."""
    for unknown in find_unknown(subject.registry, subject.runtime.app_settings):
        near = f"Did you mean {unknown.near}? " if unknown.near else ""
        yield Problem(
            "settings.W001",
            f"No setting is called so; it stands in {_place(unknown.source)}.",
            hint=f"{near}`manage.py diffsettings --all` lists all there are.",
            obj=unknown.name,
        )


def _place(source: str) -> str:
    return "the environment" if source == "environment" else source

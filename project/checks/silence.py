"""A check of SILENCED_CHECKS."""

from collections.abc import Iterator
from difflib import get_close_matches

from project.checks.framework import Problem, Subject, check


@check("settings")
def silenced_ids_are_known(subject: Subject) -> Iterator[Problem]:
    """A misspelt id silences nothing, and one of a check that is gone hides what comes after it."""
    from project.checks.runner import known_ids  # noqa: PLC0415 - it runs this check, too

    known = known_ids(subject)
    for silenced in subject.settings.general.silenced_checks:
        if silenced not in known:
            near = get_close_matches(silenced, sorted(known), n=1)
            yield Problem(
                "settings.W002",
                f"SILENCED_CHECKS names {silenced}, which no check of an installed app reports.",
                hint=f"Did you mean {near[0]}?" if near else "Take it out.",
            )

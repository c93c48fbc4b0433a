"""Checks of the rates that a deployment sets."""

from collections.abc import Iterator
from difflib import get_close_matches

from apps.throttling.settings import ThrottlingSettings
from project.checks import Problem, Subject, check
from project.web.throttling import declared_scopes

LIKENESS = 0.85


@check("throttling")
def rates_have_routes(subject: Subject) -> Iterator[Problem]:
    """A rate for a misspelt scope is counted nowhere, and the one in the code goes on."""
    scopes = sorted(declared_scopes(subject.application))
    for scope in subject.runtime.app_settings.of(ThrottlingSettings).rates:
        if scope not in scopes:
            near = get_close_matches(scope, scopes, n=1)
            yield Problem(
                "throttling.E001",
                f"THROTTLING_RATES sets a rate for {scope!r}, which is no route's scope.",
                hint=f"Did you mean {near[0]}?" if near else f"There are: {', '.join(scopes)}.",
            )


@check("throttling")
def scopes_are_not_misspelt(subject: Subject) -> Iterator[Problem]:
    """Two routes share a count by the name of its scope alone; one letter, and each has its own."""
    named = sorted(scope for scope in declared_scopes(subject.application) if "." not in scope)
    for number, scope in enumerate(named):
        for near in get_close_matches(scope, named[number + 1 :], n=1, cutoff=LIKENESS):
            yield Problem(
                "throttling.W001",
                f"The scopes {scope!r} and {near!r} of @throttled are almost the same.",
                hint="Write both alike if their routes are to share a count.",
            )

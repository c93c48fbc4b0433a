"""Rates for scopes that no route has, and scopes that are spelt in two ways."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from apps.throttling import checks
from project.checks import Check, Subject
from project.web.route import Router
from project.web.throttling import throttled

Load = Callable[..., Subject]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """An application with a route for each of these scopes, and these rates."""

    def load(*scopes: str, rates: str = "") -> Subject:
        monkeypatch.setenv("THROTTLING_RATES", rates)
        subject = Subject.load(("apps.throttling",))
        include(subject.application, scopes)
        return subject

    return load


def include(application: FastAPI, scopes: tuple[str, ...]) -> None:
    router = Router()
    for scope in scopes:

        @router.get(f"/{scope}")
        @throttled("3/hour", scope=scope)
        def read_nothing() -> None: ...

    application.include_router(router)


def said(look: Check, subject: Subject) -> list[tuple[str, str]]:
    return [(problem.id, problem.hint) for problem in look(subject)]


def test_rates_of_scopes_that_there_are(load: Load) -> None:
    subject = load("exports", "uploads", rates="exports=1/day,uploads=2/day")
    assert said(checks.rates_have_routes, subject) == []
    assert said(checks.scopes_are_not_misspelt, subject) == []


@pytest.mark.parametrize(
    ("scope", "hint"),
    [("exprots", "Did you mean exports?"), ("zzz", "There are: exports, uploads.")],
)
def test_a_rate_of_a_misspelt_scope(load: Load, scope: str, hint: str) -> None:
    subject = load("exports", "uploads", rates=f"{scope}=1/day")
    assert said(checks.rates_have_routes, subject) == [("throttling.E001", hint)]


@pytest.mark.needs("users")
def test_a_rate_of_what_no_route_counts(load: Load) -> None:
    assert said(checks.rates_have_routes, load("exports", rates="mail=1/day")) != []
    subject = Subject.load(("apps.throttling", "apps.users"))
    assert said(checks.rates_have_routes, subject) == []


def test_a_scope_that_is_written_in_two_ways(load: Load) -> None:
    subject = load("exports", "exprots", "uploads")
    (problem,) = checks.scopes_are_not_misspelt(subject)
    assert problem.id == "throttling.W001"
    assert "'exports' and 'exprots'" in problem.message


def test_a_rate_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"@throttled\('itmes'\) should be a rate such as"):
        throttled("itmes")

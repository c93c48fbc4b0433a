"""What `check --deploy` finds at the door and in the headers, by asking the application."""

from collections.abc import Callable
from typing import Any

import pytest

from project.application import create_application
from project.checks import Check, Subject, browser
from project.checks.framework import NO_SERVER
from project.db.engine import create_pooled_engine
from project.db.session import Database
from project.settings import INSTALLED_APPS, Settings
from project.web import headers as web_headers
from project.web.headers import ProtectiveHeaders

With = Callable[..., Subject]


@pytest.fixture
def deployed(settings: Settings) -> With:
    """The application as it is deployed, with other settings of the web."""

    def build(
        environment: str = "production",
        *,
        installed_apps: tuple[str, ...] = INSTALLED_APPS,
        **web: Any,
    ) -> Subject:
        good = {"hsts_include_subdomains": True, "hsts_preload": True}
        changes = {
            "general": settings.general.model_copy(update={"environment": environment}),
            "web": settings.web.model_copy(update=good | web),
        }
        changed = settings.model_copy(update=changes)
        database = Database(create_pooled_engine(NO_SERVER, changed.database))
        application = create_application(
            changed, database=database, installed_apps=installed_apps, env_file=None
        )
        return Subject(changed, application)

    return build


def ids(look: Check, subject: Subject) -> list[str]:
    return [problem.id for problem in look(subject)]


ALL = (
    browser.SETTINGS,
    browser.pages_are_protected,
    browser.writes_of_other_sites_are_refused,
    browser.documentation_is_not_public,
)


@pytest.mark.parametrize("look", ALL)
def test_a_good_deployment(deployed: With, look: Check, capfd: pytest.CaptureFixture[str]) -> None:
    assert ids(look, deployed()) == []
    assert capfd.readouterr().err == "", "nobody has asked: no line in the access log"


@pytest.mark.parametrize(
    ("look", "environment", "changes", "found"),
    [
        (ALL[0], "production", {"hsts_seconds": 0}, ["security.W004"]),
        (ALL[0], "production", {"hsts_seconds": 3600}, ["security.W004"]),
        (ALL[0], "production", {"hsts_include_subdomains": False}, ["security.W005"]),
        (ALL[0], "production", {"hsts_preload": False}, ["security.W021"]),
        (ALL[0], "production", {"https_only": False}, ["security.W008"]),
        (ALL[0], "development", {}, ["security.W004", "security.W008"]),
        (ALL[3], "staging", {}, ["security.W103"]),
    ],
)
def test_settings(
    deployed: With, look: Check, environment: str, changes: dict[str, Any], found: list[str]
) -> None:
    assert ids(look, deployed(environment, **changes)) == found


def test_nobody_counts(deployed: With) -> None:
    assert ids(browser.SETTINGS, deployed(installed_apps=())) == ["security.W104"]


def test_headers_that_somebody_took_out(deployed: With, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProtectiveHeaders, "complete", lambda *_, **__: None)
    assert ids(browser.pages_are_protected, deployed()) == [
        "security.W002",
        "security.W006",
        "security.W022",
        "security.W105",
        "security.W024",
    ]


@pytest.mark.parametrize("scripts", ["'self' 'unsafe-inline'", "*"])
def test_a_policy_that_somebody_loosened(
    deployed: With, monkeypatch: pytest.MonkeyPatch, scripts: str
) -> None:
    policy = (browser.POLICY, f"default-src 'none'; script-src {scripts}".encode())
    loosened = tuple(
        policy if name == browser.POLICY else (name, v) for name, v in web_headers.PAGE
    )
    monkeypatch.setitem(web_headers.KINDS, b"text/html", loosened)
    assert ids(browser.pages_are_protected, deployed()) == ["security.W106"]


@pytest.mark.needs("users")
def test_a_guard_that_somebody_took_out(deployed: With, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("project.admin.guard.refuse_other_site", lambda _: None)
    found = ids(browser.writes_of_other_sites_are_refused, deployed())
    assert found == ["security.W003"]

from typing import Any

import pytest
from fastapi import FastAPI

from apps.users import checks
from apps.users.settings import UsersSettings
from project.app_settings import SettingsOfApps
from project.checks import Problem, Subject
from project.runtime import Runtime
from project.settings import Settings


def settings_with(settings: Settings, *, mail_url: str | None, site_url: str | None) -> Settings:
    general = settings.general.model_copy(
        update={"environment": "production", "site_url": site_url}
    )
    mail = settings.mail.model_copy(update={"mail_url": mail_url})
    return settings.model_copy(update={"general": general, "mail": mail})


def ids(found: Any) -> list[str]:
    problems: list[Problem] = list(found)
    return [problem.id for problem in problems]


@pytest.mark.parametrize(
    ("mail_url", "site_url", "found"),
    [
        (None, None, ["users.W003"]),
        (None, "https://example.com", ["users.W003"]),
        ("smtp://mail.example.com", None, ["users.W003"]),
        ("smtp://mail.example.com", "http://example.com", ["users.W004"]),
        ("smtp://mail.example.com", "https://example.com", []),
    ],
)
def test_mail(
    application: FastAPI,
    settings: Settings,
    mail_url: str | None,
    site_url: str | None,
    found: list[str],
) -> None:
    deployed = settings_with(settings, mail_url=mail_url, site_url=site_url)
    subject = Subject(deployed, application)
    mailed, encrypted = checks.accounts_can_be_mailed, checks.links_are_encrypted
    assert ids(mailed(subject)) + ids(encrypted(subject)) == found


def test_verification_without_mail(
    application: FastAPI, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = SettingsOfApps({"users": UsersSettings(require_verified_email=True)})
    monkeypatch.setitem(runtime.__dict__, "app_settings", strict)
    silent = settings_with(runtime.settings, mail_url=None, site_url=None)
    assert ids(checks.verification_can_happen(Subject(silent, application))) == ["users.E001"]
    assert ids(checks.verification_can_happen(Subject(runtime.settings, application))) == []

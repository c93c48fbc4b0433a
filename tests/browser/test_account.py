"""A forgotten password in Chromium, from the link on the sign-in page to the new session."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from apps.users.models import User
from project.application import create_application
from project.mail.mailers import FolderMailer
from project.runtime import Runtime
from project.settings import Settings
from tests.browser.conftest import serving
from tests.database import TestDatabase
from tests.factories.users import PASSWORD, UserFactory
from tests.processes import until

pytestmark = [pytest.mark.browser, pytest.mark.committed]

NEW_PASSWORD = "another battery staple"
LINK = re.compile(r"http://[^/\s]+(/account/reset/[\w-]{43})")
ARRIVAL = 10.0
"""Seconds that a mail may take into a folder."""


@pytest.fixture
def mailing(
    settings: Settings, database: TestDatabase, session: Session, tmp_path: Path
) -> FastAPI:
    """The whole application, which puts its mails into a folder."""
    mail = settings.mail.model_copy(update={"mail_url": f"file:{tmp_path}"})
    return create_application(
        settings.model_copy(update={"mail": mail}), database=database, env_file=None
    )


@pytest.fixture
def site(mailing: FastAPI) -> Iterator[str]:
    with serving(mailing) as address:
        yield address


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    return user


def read_mail(application: FastAPI) -> EmailMessage:
    """The one mail in the folder, as a mail program reads it."""
    runtime: Runtime = application.state.runtime
    assert isinstance(runtime.mailer, FolderMailer)
    folder = runtime.mailer.folder
    # It is written after the answer has left, by another thread.
    until(lambda: list(folder.glob("*.eml")), "the mail")
    assert runtime.outbox.wait(ARRIVAL)
    (file,) = folder.glob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def link_in(mail: EmailMessage) -> str:
    """The path of the link, which the text and the HTML of the mail agree on."""
    bodies = [part.get_content() for part in mail.iter_parts()]
    paths = {found for body in bodies for found in LINK.findall(body)}
    assert len(bodies) == 2
    (path,) = paths
    return str(path)


def sign_in(page: Page, site: str, password: str) -> None:
    page.goto(f"{site}/admin/login")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def ask_for_link(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/login")
    page.get_by_role("link", name="Forgot password?").click()
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")


def set_password(page: Page, password: str) -> None:
    page.get_by_label("New password").fill(password)
    page.get_by_label("Once more").fill(password)
    page.get_by_role("button", name="Set the password").click()


@pytest.mark.usefixtures("superuser")
@pytest.mark.parametrize("scripts", [True, False])
def test_forgotten_password(
    browser: Browser, site: str, mailing: FastAPI, *, scripts: bool
) -> None:
    with browser.new_context(java_script_enabled=scripts) as context:
        page = context.new_page()
        ask_for_link(page, site)
        page.goto(f"{site}{link_in(read_mail(mailing))}")
        set_password(page, "iloveyou")
        expect(page.get_by_role("alert")).to_contain_text("everybody tries first")
        set_password(page, NEW_PASSWORD)
        expect(page.get_by_role("heading", level=1)).to_have_text("Your password is changed")
        sign_in(page, site, PASSWORD)
        expect(page.get_by_role("alert")).to_contain_text("The email or the password is wrong")
        sign_in(page, site, NEW_PASSWORD)
        expect(page).to_have_url(f"{site}/admin/")


def test_reset_signs_out_elsewhere(
    page: Page, browser: Browser, site: str, mailing: FastAPI, superuser: User
) -> None:
    sign_in(page, site, PASSWORD)
    expect(page).to_have_url(f"{site}/admin/")
    with browser.new_context() as elsewhere:
        other = elsewhere.new_page()
        ask_for_link(other, site)
        other.goto(f"{site}{link_in(read_mail(mailing))}")
        expect(other.get_by_label("Account")).to_have_value(superuser.email)
        set_password(other, NEW_PASSWORD)
        expect(other).to_have_url(f"{site}/account/reset/done")
    page.goto(f"{site}/admin/users-user/list")
    expect(page).to_have_url(re.compile(r"/admin/login"))

"""The second step of signing in, in Chromium."""

import re
from base64 import b32decode
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from apps.users import totp
from apps.users.vault import Vault
from project.application import create_application
from project.settings import Settings
from tests.apps.users.enrolment import enrolled
from tests.browser.conftest import serving
from tests.browser.looks import examine
from tests.browser.test_admin import sign_in
from tests.database import TestDatabase
from tests.factories.users import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.committed]


@pytest.fixture
def site(
    settings: Settings, database: TestDatabase, session: Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The application where staff needs a second factor."""
    monkeypatch.setenv("USERS_TWO_FACTOR_REQUIRED_FOR_STAFF", "true")
    with serving(create_application(settings, database=database, env_file=None)) as address:
        yield address


def test_code_after_the_password(
    page: Page, site: str, session: Session, settings: Settings
) -> None:
    ada = enrolled(session, Vault(settings.secret_keys), superuser=True)
    sign_in(page, f"{site}/admin/items-item/list", ada.user)
    expect(page.get_by_label("Code")).to_be_focused()
    page.get_by_label("Code").fill(ada.wrong_code())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The code is wrong")
    page.get_by_label("Code").fill(ada.code())
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site}/admin/items-item/list")


def test_enrolment(page: Page, site: str, session: Session) -> None:
    sign_in(page, f"{site}/admin/items-item/list", UserFactory.create(superuser=True))
    box = page.get_by_role("img", name="QR code").locator("svg").bounding_box()
    assert box is not None
    assert box["width"] == box["height"] > 150
    secret = b32decode((page.locator(".secret code").text_content() or "").replace(" ", ""))
    assert examine(page, "login-enrol") == []
    page.get_by_label("Code", exact=True).fill(totp.code_at(secret, totp.current_step()))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("listitem")).to_have_count(10)
    expect(page.get_by_role("listitem").first).to_have_text(re.compile(r"^([a-z2-7]{4}-?){6}$"))
    assert examine(page, "recovery-codes") == []
    page.get_by_role("link", name="I have kept them").click()
    expect(page).to_have_url(f"{site}/admin/items-item/list")


def test_page_of_ones_own_factor(
    page: Page, site: str, session: Session, settings: Settings
) -> None:
    ada = enrolled(session, Vault(settings.secret_keys), superuser=True)
    sign_in(page, f"{site}/admin/", ada.user)
    page.get_by_label("Code").fill(ada.code())
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Two-factor sign-in").first.click()
    expect(page.get_by_text("takes a code of your authenticator app")).to_be_visible()
    assert examine(page, "two-factor-own") == []

"""The admin for those who use no mouse, who prefer the dark, and who are about to delete."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.users.models import ApiKey, User
from tests.browser.looks import TELEPHONE, examine, keep
from tests.browser.test_admin import sign_in
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory
from tests.factories.users import PASSWORD, ApiKeyFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.committed]

FEW_STOPS = 30
"""How often one presses Tab at most until one is there."""


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    return user


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus, once the page is there to take it."""
    page.wait_for_load_state()
    for _ in range(FEW_STOPS):
        page.keyboard.press("Tab")
        if target.evaluate("node => node === document.activeElement"):
            return
    pytest.fail(f"{target} is no tab stop, or too far away")


def test_keyboard_is_enough(page: Page, site: str, superuser: User, session: Session) -> None:
    ItemFactory.create(name="Oak table", price=Decimal("49.90"))
    ItemFactory.create(name="Brass hook")
    page.goto(f"{site}/admin/")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(superuser.email)
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    tab_to(page, page.get_by_role("navigation").get_by_role("link", name="Items").first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Items")).to_be_visible()
    tab_to(page, page.get_by_role("link", name="Skip to the content"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("searchbox"))
    page.keyboard.type("oak")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("search=oak"))  # a page that loads has no hook, either
    expect(page.get_by_role("link", name="Oak table")).to_be_visible()
    expect(page.get_by_role("link", name="Brass hook")).to_have_count(0)
    tab_to(page, page.get_by_role("link", name="Oak table"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Price")).to_be_visible()
    tab_to(page, page.get_by_label("Price"))
    page.keyboard.type("12.50")  # over what is there, since Tab selects it
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert session.scalar(select(Item.price).where(Item.name == "Oak table")) == Decimal("12.50")


def test_dark_stays(page: Page, site: str, superuser: User) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    sign_in(page, f"{site}/admin/items-item/list", superuser)
    expect(page.get_by_role("heading", name="Items")).to_be_visible()
    light = page.evaluate(colour)
    page.get_by_role("button", name="Dark").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(f"{site}/admin/items-item/list")
    page.reload()
    assert page.evaluate(colour) != light
    assert examine(page, "chosen-dark") == []


def test_filter_is_taken_away_again(page: Page, site: str, superuser: User) -> None:
    OrderFactory.create_batch(2)
    OrderFactory.create(cancelled=True)
    page.set_viewport_size({"width": 1280, "height": 860})
    sign_in(page, f"{site}/admin/orders-order/list", superuser)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_role("link", name="Cancelled", exact=True).click()
    expect(rows).to_have_count(1)
    keep(page, "filter")
    page.get_by_role("link", name="Status: Cancelled").click()
    expect(rows).to_have_count(3)


def test_deletion_says_what_goes_with_it(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    robot = UserFactory.create(email="robot@example.com")
    ApiKeyFactory.create(user_id=robot.id, name="Till")
    page.set_viewport_size(TELEPHONE)  # type: ignore[arg-type]
    sign_in(page, f"{site}/admin/users-user/edit/{robot.id}", superuser)
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("heading", name="Delete robot@example.com?")).to_be_visible()
    expect(page.get_by_role("link", name="Till")).to_be_visible()
    keep(page, "deletion")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Deleted.")
    assert session.scalar(select(func.count()).select_from(ApiKey)) == 0

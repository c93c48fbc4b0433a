"""History, conflict, deletion and sign-ins in Chromium."""

from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.users.models import User
from tests.browser.looks import width_of
from tests.browser.test_admin import TELEPHONE, sign_in
from tests.factories.audit import ChangeFactory
from tests.factories.items import ItemFactory
from tests.factories.users import ApiKeyFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.committed]


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    return user


def test_second_editor_chooses_field_by_field(
    page: Page, browser: Browser, site: str, superuser: User, session: Session
) -> None:
    """Two browsers, one row; without a script in the second."""
    item = ItemFactory.create(name="Table", price=Decimal("49.90"), stock=5)
    path = f"{site}/admin/items-item/edit/{item.id}"
    grace = UserFactory.create(superuser=True, email="grace@example.com")
    with browser.new_context(java_script_enabled=False) as context:
        other = context.new_page()
        sign_in(other, path, grace)
        sign_in(page, path, superuser)
        page.get_by_label("Price").fill("40.00")
        page.get_by_label("Name").fill("Desk")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        other.get_by_label("Price").fill("30.00")
        other.get_by_label("Stock").fill("7")
        other.get_by_role("button", name="Save", exact=True).click()
        expect(other.get_by_role("heading", name="Two versions")).to_be_visible()
        expect(other.get_by_text("ada@example.com")).to_be_visible()
        other.get_by_role("group", name="Price").get_by_label("Theirs").check()
        other.get_by_role("button", name="Save", exact=True).click()
        expect(other.get_by_role("status")).to_have_text("Saved.")
    session.expire_all()
    saved = session.get_one(Item, item.id)
    assert (saved.name, saved.price, saved.stock) == ("Desk", Decimal("40.00"), 7)
    page.goto(f"{site}/admin/items-item/edit/{item.id}")
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.get_by_text("grace@example.com")).to_be_visible()
    expect(page.locator("ins", has_text="Desk")).to_be_visible()


def test_the_form_shows_what_is_chosen(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    item = ItemFactory.create(name="Table", description="a\nb", stock=5)
    sign_in(page, f"{site}/admin/items-item/edit/{item.id}", superuser)
    item.stock, item.description = 6, "c\nd"
    session.commit()
    page.get_by_label("Name").fill("Desk")
    page.get_by_label("Description").fill("e")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label("Stock")).to_have_value("6")
    expect(page.get_by_label("Description")).to_have_value("e")
    page.get_by_role("group", name="Description").get_by_label("Theirs").check()
    expect(page.get_by_label("Description")).to_have_value("c\nd")
    page.get_by_role("group", name="Stock").get_by_label("Yours").check()
    expect(page.get_by_label("Stock")).to_have_value("5")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    session.refresh(item)
    assert (item.name, item.description, item.stock) == ("Desk", "c\nd", 5)


PAGES = (
    "",
    "items-item/history/{item}",
    "users-user/delete?pks={owner}",
    "users-user/delete?pks={robot}",
    "sign-ins",
)


@pytest.mark.parametrize("path", PAGES)
def test_fits_a_telephone(page: Page, site: str, superuser: User, path: str) -> None:
    page.set_viewport_size({"width": TELEPHONE, "height": 844})
    long = "A very long name of an item " * 7
    item, robot = ItemFactory.create(name=long), UserFactory.create()
    ApiKeyFactory.create(user_id=robot.id, name=long[:90])
    changes = {"description": [None, "word" * 200], "price": ["1.00", "2.00"]}
    ChangeFactory.create(
        model="items.item", object_id=str(item.id), object_label=long, changes=changes
    )
    address = path.format(item=item.id, owner=item.owner_id, robot=robot.id)
    sign_in(page, f"{site}/admin/{address}", superuser)
    expect(page.get_by_role("button", name="Sign out").first).to_be_visible()
    assert width_of(page) <= TELEPHONE

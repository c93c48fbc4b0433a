"""Forms of the admin in Chromium: rows of inlines by keyboard, windows to add, the zone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.users.models import Group, GroupPermission, User
from project.admin.objects.inline import Inline
from project.admin.site import AdminSite
from project.admin.views import ModelAdmin
from project.application import create_application
from project.apps import AppConfig
from project.settings import Settings
from tests.browser.conftest import serving
from tests.browser.looks import width_of
from tests.browser.test_admin import TELEPHONE, sign_in
from tests.browser.test_typed import come_back, sign_out_elsewhere
from tests.database import TestDatabase
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderLineFactory
from tests.factories.users import GroupFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.committed]

SHOP = AppConfig(label="shop", title="Shop")


class ItemInline(Inline, model=Item):
    extra = 1
    form_columns = (Item.name, Item.price, Item.stock)


class OwnerAdmin(ModelAdmin, model=User):
    form_columns = (User.email, User.full_name)
    inlines = (ItemInline,)


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    return user


@pytest.fixture
def shop(settings: Settings, database: TestDatabase, session: Session) -> Iterator[str]:
    """The application with another admin: accounts with their items."""
    application = create_application(settings, database=database)
    routes = application.router.routes
    routes[:] = [route for route in routes if getattr(route, "path", "") != "/admin"]
    site = AdminSite(application, application.state.runtime)
    site.register(SHOP, OwnerAdmin)
    site.seal()
    with serving(application) as address:
        yield address


def test_rows_are_added_with_the_keyboard_alone(
    context: BrowserContext, shop: str, superuser: User, session: Session
) -> None:
    page = context.new_page()
    sign_in(page, f"{shop}/admin/shop-user/create", superuser)
    page.get_by_label("Email").focus()
    page.keyboard.type("grace@example.com")
    page.get_by_label("Name, new item").first.focus()
    for text in ("Mug", "4.50", "3"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.get_by_role("button", name="Add another item").focus()
    page.keyboard.press("Enter")
    for text in ("Plate", "many", "1"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the row's own button: it is gone again
    expect(page.get_by_label("Name, new item")).to_have_count(1)
    page.get_by_role("button", name="Add another item").press("Enter")
    for text in ("Plate", "many", "1"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.get_by_label("Stock, new item").last.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Item, price")
    expect(page.get_by_label("Price, new item").last).to_be_focused()
    page.get_by_label("Price, new item").last.fill("2")
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.get_by_role("status")).to_have_text("Added.")
    found = session.execute(select(User.email, Item.name).join(Item.owner).order_by(Item.id))
    assert found.all() == [("grace@example.com", "Mug"), ("grace@example.com", "Plate")]


def test_rows_need_no_script(
    browser: Browser, shop: str, superuser: User, session: Session
) -> None:
    item = ItemFactory.create(owner=superuser, name="Mug")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, f"{shop}/admin/shop-user/edit/{superuser.id}", superuser)
        page.get_by_label("Delete Mug").check()
        page.get_by_label("Name, new item").fill("Plate")
        page.get_by_label("Price, new item").fill("2")
        page.get_by_label("Stock, new item").fill("1")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
    assert session.scalars(select(Item.name)).all() == ["Plate"], item


def test_new_rows_are_put_back_beside_those_of_others(
    context: BrowserContext, shop: str, superuser: User, session: Session
) -> None:
    """Somebody adds a row while one is signed out, and takes the number of one's own."""
    page = context.new_page()
    sign_in(page, f"{shop}/admin/shop-user/edit/{superuser.id}", superuser)
    names = page.get_by_label("Name, new item")
    page.get_by_role("button", name="Add another item").click()
    for place, name in enumerate(("Mug", "Plate")):
        names.nth(place).fill(name)
    sign_out_elsewhere(session)
    ItemFactory.create(owner=superuser, name="Bowl")
    page.get_by_role("button", name="Save", exact=True).click()
    come_back(page, superuser)
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("Name, Bowl")).to_have_value("Bowl")
    assert names.evaluate_all("all => all.map(one => one.value)") == ["Mug", "Plate"]


def test_owner_is_added_in_a_window(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    sign_in(page, f"{site}/admin/items-item/create", superuser)
    page.get_by_label("Name", exact=False).first.fill("Mug")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Add user").click()
    window = popup.value
    window.get_by_label("Email").fill("grace@example.com")
    with window.expect_event("close"):
        window.get_by_role("button", name="Save", exact=True).click()
    grace = session.scalars(select(User).where(User.email == "grace@example.com")).one()
    expect(page.get_by_label("Owner")).to_have_value(f"grace@example.com #{grace.id}")


def test_moments_are_in_the_browsers_zone(browser: Browser, site: str, superuser: User) -> None:
    with browser.new_context(timezone_id="America/New_York") as context:
        page = context.new_page()
        sign_in(page, f"{site}/admin/", superuser)
        expect(page.get_by_text("Times: America/New_York")).to_be_visible()


def test_whoever_leaves_is_asked(page: Page, site: str, superuser: User) -> None:
    sign_in(page, f"{site}/admin/items-item/create", superuser)
    page.get_by_label("Name").first.fill("Mug")
    asked: list[str] = []

    def accept(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.accept()  # type: ignore[attr-defined]

    page.on("dialog", accept)
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(f"{site}/admin/items-item/list")
    assert asked == ["beforeunload"]


@pytest.mark.parametrize("path", ["items-item/edit/{item}", "users-user/edit/{user}"])
def test_whoever_touched_nothing_just_leaves(
    page: Page, site: str, superuser: User, path: str
) -> None:
    asked: list[object] = []
    page.on("dialog", lambda dialog: asked.append(dialog))  # noqa: PLW0108 - no built-in is taken
    address = path.format(item=ItemFactory.create().id, user=superuser.id)
    sign_in(page, f"{site}/admin/{address}", superuser)
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(f"{site}/admin/{path.partition('/')[0]}/list")
    assert asked == []


@pytest.mark.parametrize("path", ["users-group/edit/{group}", "orders-order/details/{order}"])
def test_nothing_hangs_over_on_a_telephone(
    browser: Browser, site: str, superuser: User, path: str
) -> None:
    group, line = GroupFactory.create(), OrderLineFactory.create()
    with browser.new_context(viewport={"width": TELEPHONE, "height": 800}) as context:
        page = context.new_page()
        address = path.format(group=group.id, order=line.order_id)
        sign_in(page, f"{site}/admin/{address}", superuser)
        assert width_of(page) <= TELEPHONE


def test_permission_is_given_by_keyboard(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    group: Group = GroupFactory.create()
    sign_in(page, f"{site}/admin/users-group/edit/{group.id}", superuser)
    page.get_by_role("group", name="Items").get_by_label("Change item").press("Space")
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert session.scalars(select(GroupPermission.permission)).all() == ["items.change_item"]

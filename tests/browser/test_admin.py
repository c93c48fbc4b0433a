"""The admin in Chromium: what staff do all day, and what an attacker's page cannot do."""

from decimal import Decimal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from apps.items.models import Item
from apps.users.models import GroupPermission, User
from tests.browser.conftest import serving
from tests.browser.looks import width_of
from tests.factories.items import ItemFactory
from tests.factories.users import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.committed]

TELEPHONE = 390


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    return user


def sign_in(page: Page, address: str, user: User) -> None:
    page.goto(address)
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_edit_lands_in_the_database(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    item = ItemFactory.create(name="Oak table", price=Decimal("49.90"))
    sign_in(page, f"{site}/admin/items-item/list", superuser)
    expect(page).to_have_url(f"{site}/admin/items-item/list")
    page.get_by_role("link", name="Oak table").click()
    page.get_by_label("Price").fill("12.50")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    session.expire_all()
    assert session.get_one(Item, item.id).price == Decimal("12.50")


def test_boxes_need_no_script(
    browser: Browser, site: str, superuser: User, session: Session
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, f"{site}/admin/users-group/create", superuser)
        page.get_by_label("Name").fill("Editors")
        page.get_by_role("group", name="Items").get_by_label("Change item").check()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Added.")
    assert session.scalars(select(GroupPermission.permission)).all() == ["items.change_item"]


def test_owner_is_suggested_while_one_types(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    item = ItemFactory.create()
    grace = UserFactory.create(email="grace@example.com")
    sign_in(page, f"{site}/admin/items-item/edit/{item.id}", superuser)
    field = page.get_by_label("Owner")
    field.fill("")
    field.press_sequentially("grace")
    option = page.locator("#list-owner option")
    expect(option).to_have_attribute("value", f"grace@example.com #{grace.id}")
    field.fill(str(option.get_attribute("value")))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    session.expire_all()
    assert session.get_one(Item, item.id).owner_id == grace.id


def test_everything_works_without_scripts(
    browser: Browser, site: str, superuser: User, session: Session
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, f"{site}/admin/items-item/list", superuser)
        page.get_by_role("link", name="Add item").click()
        page.get_by_label("Name").fill("Brass hook")
        page.get_by_label("Price").fill("4.50")
        page.get_by_label("Owner").fill(superuser.email)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Added.")
        page.get_by_label("Choose Brass hook").check()
        page.get_by_label("Action", exact=True).select_option("Delete…")
        page.get_by_role("button", name="Go").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Deleted.")
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{site}/admin/login")
        page.goto(f"{site}/admin/items-item/list")
        expect(page.get_by_role("heading")).to_have_text("Sign in to the admin")
    assert session.scalar(select(func.count()).select_from(Item)) == 0


ATTACK = """
<!doctype html><img src="{site}/admin/logout">
<form method="post" action="{site}{path}"><input name="pks" value="{pk}"></form>
<script>document.forms[0].submit()</script>
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_page_of_another_origin_cannot_write(
    context: BrowserContext, site: str, superuser: User, session: Session, host: str
) -> None:
    """The same host on another port (cookies are sent along), and another host altogether."""
    item = ItemFactory.create()
    page = context.new_page()
    sign_in(page, f"{site}/admin/", superuser)

    async def attack(request: Request) -> Response:
        return HTMLResponse(ATTACK.format(site=site, path="/admin/items-item/delete", pk=item.id))

    with (
        serving(Starlette(routes=[Route("/", attack)])) as address,
        page.expect_response("**/admin/items-item/delete") as answer,
    ):
        page.goto(address.replace("127.0.0.1", host))
    assert answer.value.status == 403
    assert session.scalar(select(func.count()).select_from(Item)) == 1
    page.goto(f"{site}/admin/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    ["", "items-item/list", "users-user/list", "users-user/create", "items-item/details/{id}"],
)
def test_fits_a_telephone(page: Page, site: str, superuser: User, path: str) -> None:
    page.set_viewport_size({"width": TELEPHONE, "height": 844})
    item = ItemFactory.create(name="A very long name of an item " * 7)
    sign_in(page, f"{site}/admin/{path.format(id=item.id)}", superuser)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert width_of(page) <= TELEPHONE


def test_follows_the_systems_dark_mode(page: Page, site: str, superuser: User) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    page.goto(f"{site}/admin/login")
    page.emulate_media(color_scheme="light")
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) != light

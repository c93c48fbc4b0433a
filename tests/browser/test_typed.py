"""What somebody typed into the admin's forms, and the ways in which it could be lost."""

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import delete
from sqlalchemy.orm import Session

from apps.users.models import AuthSession, User
from tests.browser.test_admin import TELEPHONE, sign_in
from tests.factories.items import ItemFactory
from tests.factories.users import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.committed, pytest.mark.needs("items", "users")]


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    return user


def sign_out_elsewhere(session: Session) -> None:
    """End all sessions, as another browser can."""
    session.execute(delete(AuthSession))
    session.commit()


def come_back(page: Page, user: User) -> None:
    """Sign in on the page that says that one was signed out."""
    expect(page.get_by_role("status")).to_contain_text("You were signed out")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_form_is_put_back_after_signing_in(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    item = ItemFactory.create(description="")
    address = f"{site}/admin/items-item/edit/{item.id}"
    sign_in(page, address, superuser)
    page.get_by_label("Description").fill("A long text")
    sign_out_elsewhere(session)
    page.get_by_role("button", name="Save", exact=True).click()
    come_back(page, superuser)
    expect(page).to_have_url(address)
    expect(page.get_by_label("Description")).to_have_value("")
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("Description")).to_have_value("A long text")


def test_the_form_of_an_action_is_put_back(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    item = ItemFactory.create(name="Oak table", stock=1)
    sign_in(page, f"{site}/admin/items-item/list", superuser)
    page.locator('input[name="pks"]').check()
    page.get_by_label("Action").select_option("Set stock to…")
    page.get_by_role("button", name="Go", exact=True).click()
    page.get_by_label("Stock").fill("77")
    sign_out_elsewhere(session)
    page.get_by_role("button", name="Set stock to").click()
    come_back(page, superuser)
    expect(page.get_by_text("Oak table").first).to_be_visible()
    expect(page.get_by_label("Stock")).to_have_value("")
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("Stock")).to_have_value("77")
    page.get_by_role("button", name="Set stock to").click()
    expect(page.get_by_role("status")).to_contain_text("1 item")
    session.refresh(item)
    assert item.stock == 77


def test_what_is_put_back_overwrites_nobody(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    """The same field was changed by somebody else before the return: both versions are shown."""
    item = ItemFactory.create(description="At first")
    sign_in(page, f"{site}/admin/items-item/edit/{item.id}", superuser)
    page.get_by_label("Description").fill("Mine")
    sign_out_elsewhere(session)
    page.get_by_role("button", name="Save", exact=True).click()
    item.description = "Theirs"
    session.commit()
    come_back(page, superuser)
    expect(page.get_by_label("Description")).to_have_value("Theirs")
    page.get_by_role("button", name="Put it back").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Two versions")).to_be_visible()
    versions = page.locator(".versions")
    for text in ("At first", "Theirs", "Mine"):
        expect(versions).to_contain_text(text)
    session.refresh(item)
    assert item.description == "Theirs"


def test_nobody_else_gets_it(page: Page, site: str, superuser: User, session: Session) -> None:
    other = UserFactory.create(superuser=True, email="eve@example.com")
    sign_in(page, f"{site}/admin/users-user/create", superuser)
    page.get_by_label("Email").fill("typed@example.com")
    page.get_by_label("Password").fill("a secret of theirs")
    sign_out_elsewhere(session)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("You were signed out")
    kept = page.evaluate("JSON.stringify(sessionStorage)")
    assert "typed@example.com" in kept
    assert "a secret of theirs" not in kept
    come_back(page, other)
    expect(page.get_by_role("heading", name="Add user")).to_be_visible()
    expect(page.get_by_role("button", name="Put it back")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0


def test_whoever_leaves_a_list_is_asked(page: Page, site: str, superuser: User) -> None:
    ItemFactory.create()
    sign_in(page, f"{site}/admin/items-item/list", superuser)
    asked: list[str] = []

    def accept(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.accept()  # type: ignore[attr-defined]

    page.on("dialog", accept)
    page.locator('input[name="pks"]').check()
    page.get_by_role("link", name="Name", exact=True).click()
    expect(page).to_have_url(f"{site}/admin/items-item/list?sortBy=name&sort=asc")
    assert asked == []
    page.locator('input[name="row-0-stock"]').fill("77")
    page.get_by_role("link", name="Overview").click()
    expect(page).to_have_url(f"{site}/admin/")
    assert asked == ["beforeunload"]


def test_a_list_is_put_back_row_by_row(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    item = ItemFactory.create(stock=1)
    sign_in(page, f"{site}/admin/items-item/list", superuser)
    page.locator('input[name="row-0-stock"]').fill("77")
    sign_out_elsewhere(session)
    ItemFactory.create(stock=2)  # newer: it takes the first place
    page.get_by_role("button", name="Save changes").click()
    come_back(page, superuser)
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label(f"Stock of {item.name}").last).to_have_value("77")
    expect(page.locator('input[name="row-0-stock"]')).to_have_value("2")


def test_a_row_of_a_list_that_is_put_back_overwrites_nobody(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    item = ItemFactory.create(stock=1)
    sign_in(page, f"{site}/admin/items-item/list", superuser)
    page.locator('input[name="row-0-stock"]').fill("77")
    sign_out_elsewhere(session)
    page.get_by_role("button", name="Save changes").click()
    item.stock = 5
    session.commit()
    come_back(page, superuser)
    page.get_by_role("button", name="Put it back").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(".row-wrong")).to_be_visible()
    session.refresh(item)
    assert item.stock == 5


def test_a_telephone_has_a_low_row_of_buttons_and_escape_closes_the_menu(
    browser: Browser, site: str, superuser: User
) -> None:
    item = ItemFactory.create()
    with browser.new_context(viewport={"width": TELEPHONE, "height": 844}) as context:
        page = context.new_page()
        sign_in(page, f"{site}/admin/items-item/edit/{item.id}", superuser)
        page.wait_for_load_state()
        foot = page.locator(".form-foot").bounding_box()
        assert foot is not None
        assert foot["height"] < 80
        assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE
        menu = page.get_by_text("Menu", exact=True)
        menu.click()
        expect(page.locator(".small-menu nav")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".small-menu nav")).to_be_hidden()

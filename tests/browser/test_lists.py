"""Working on many rows in Chromium: an action with a form, editing in the list, files."""

from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.users.models import User
from tests.browser.looks import width_of
from tests.browser.test_admin import TELEPHONE, sign_in
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.committed]


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    for name in ("Brass hook", "Oak table", "Walnut lamp"):
        ItemFactory.create(name=name, price=Decimal("49.90"), owner=user)
    return user


def stocks(session: Session) -> list[int]:
    session.expire_all()
    return list(session.scalars(select(Item.stock).order_by(Item.name)))


def test_action_with_a_form(page: Page, site: str, superuser: User, session: Session) -> None:
    sign_in(page, f"{site}/admin/items-item/list", superuser)
    page.get_by_label("Choose Brass hook").check()
    page.get_by_label("Choose Oak table").check()
    page.get_by_label("Action", exact=True).select_option("Set stock to…")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Set stock to: 2 items")
    page.get_by_label("Stock").fill("7")
    page.get_by_role("button", name="Set stock to").click()
    expect(page.get_by_role("status")).to_have_text("Set stock to: 2 items.")
    assert stocks(session) == [7, 7, 10]


def test_editing_in_the_list(page: Page, site: str, superuser: User, session: Session) -> None:
    sign_in(page, f"{site}/admin/items-item/list", superuser)
    page.get_by_label("Stock of Oak table").fill("-3")
    page.get_by_label("Stock of Brass hook").fill("5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("Nothing was saved")
    page.get_by_label("Stock of Oak table").fill("3")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("status")).to_have_text("2 items saved.")
    assert stocks(session) == [5, 3, 10]


def test_file_out_and_in_again(
    page: Page, site: str, superuser: User, session: Session, tmp_path: Path
) -> None:
    sign_in(page, f"{site}/admin/items-item/list?search=oak", superuser)
    page.get_by_role("link", name="Export…").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Export").click()
    file = tmp_path / "items.csv"
    started.value.save_as(file)
    text = file.read_text()
    assert "Oak table" in text
    assert "Brass hook" not in text
    file.write_text(text.replace(",10,", ",12,"))
    page.goto(f"{site}/admin/items-item/import")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check only").click()
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("status")).to_have_text("Import: 0 added, 1 changed.")
    assert stocks(session) == [10, 12, 10]


@pytest.mark.parametrize("path", ["list", "export", "import"])
def test_fits_a_telephone(page: Page, site: str, superuser: User, path: str) -> None:
    page.set_viewport_size({"width": TELEPHONE, "height": 844})
    sign_in(page, f"{site}/admin/items-item/{path}", superuser)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert width_of(page) <= TELEPHONE

"""Lists of the admin in Chromium: on a telephone, without scripts, with suggestions."""

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from apps.users.models import User
from tests.browser.looks import width_of
from tests.browser.test_admin import TELEPHONE, sign_in
from tests.factories.orders import OrderFactory
from tests.factories.users import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.committed]

ORDERS = "/admin/orders-order/list"


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    return user


def test_filters_fold_on_a_telephone(page: Page, site: str, superuser: User) -> None:
    page.set_viewport_size({"width": TELEPHONE, "height": 844})
    OrderFactory.create_batch(3)
    sign_in(page, f"{site}{ORDERS}?status=placed", superuser)
    choice = page.get_by_role("link", name="Cancelled", exact=True)
    expect(page.get_by_text("Filters (1)")).to_be_visible()
    expect(choice).to_be_hidden()
    page.get_by_text("Filters (1)").click()
    expect(choice).to_be_visible()
    assert width_of(page) <= TELEPHONE


def test_filters_need_no_script(
    browser: Browser, site: str, superuser: User, session: Session
) -> None:
    cheap, dear = OrderFactory.create(total=5), OrderFactory.create(total=500)
    with browser.new_context(
        java_script_enabled=False, viewport={"width": 1280, "height": 900}
    ) as context:
        page = context.new_page()
        sign_in(page, f"{site}{ORDERS}", superuser)
        page.get_by_label("From").fill("100")
        page.get_by_role("button", name="Apply Total").click()
        expect(page).to_have_url(f"{site}{ORDERS}?total__gte=100")
        expect(page.get_by_role("link", name=str(dear.id), exact=True)).to_be_visible()
        expect(page.get_by_role("link", name=str(cheap.id), exact=True)).to_have_count(0)
        page.get_by_role("link", name="Total: from 100").click()
        expect(page.get_by_role("link", name=str(cheap.id), exact=True)).to_be_visible()


def test_customer_is_suggested_while_one_types(
    page: Page, site: str, superuser: User, session: Session
) -> None:
    grace = UserFactory.create(email="grace@example.com")
    order = OrderFactory.create(user=grace)
    UserFactory.create_batch(25)
    sign_in(page, f"{site}{ORDERS}", superuser)
    field = page.get_by_label("Customer, by id or name")
    field.press_sequentially("grace")
    option = page.locator("#list-filter-user option")
    expect(option).to_have_attribute("value", f"grace@example.com #{grace.id}")
    field.fill(str(option.get_attribute("value")))
    page.get_by_role("button", name="Apply Customer").click()
    expect(page).to_have_url(f"{site}{ORDERS}?user={grace.id}")
    expect(page.get_by_role("link", name=str(order.id), exact=True)).to_be_visible()

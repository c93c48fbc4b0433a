"""Every page of the admin under axe: light and dark, on a desk and on a telephone."""

from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.users.models import User
from apps.users.vault import Vault
from project.settings import Settings
from tests.apps.users.enrolment import enrolled
from tests.browser.looks import examine
from tests.browser.test_admin import sign_in
from tests.factories.audit import ChangeFactory
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory, OrderLineFactory
from tests.factories.users import ApiKeyFactory, UserFactory, grant

pytestmark = [pytest.mark.browser, pytest.mark.committed]

AREAS = {
    "lists": {
        "overview": "",
        "list": "items-item/list",
        "list-filtered": "orders-order/list?status=placed&total__gte=1",
        "list-facets": "orders-order/list?_facets=1",
        "list-empty": "items-item/list?search=nothing",
    },
    "row": {
        "details": "items-item/details/{item}",
        "history": "items-item/history/{item}",
        "delete": "users-user/delete?pks={robot}",
        "delete-refused": "users-user/delete?pks={customer}",
    },
    "writing": {
        "create": "items-item/create",
        "edit": "items-item/edit/{item}",
        "edit-user": "users-user/edit/{robot}",
        "create-group": "users-group/create",
    },
    "about": {
        "sign-ins": "sign-ins",
        "two-factor": "two-factor",
        "models": "models",
        "model": "models/items-item",
        "not-found": "items-item/details/999999",
    },
}


@pytest.fixture
def superuser(session: Session) -> User:
    user: User = UserFactory.create(superuser=True, email="ada@example.com")
    return user


@pytest.fixture
def ids(session: Session) -> dict[str, int]:
    """A shop with one of everything."""
    item, robot = ItemFactory.create(name="Oak table"), UserFactory.create()
    order = OrderFactory.create()
    OrderFactory.create(cancelled=True)
    OrderLineFactory.create(order=order, item=item)
    ApiKeyFactory.create(user_id=robot.id)
    changes = {"name": ["Oak desk", "Oak table"], "price": ["1.00", "2.00"]}
    ChangeFactory.create(
        model="items.item", object_id=str(item.id), object_label="Oak table", changes=changes
    )
    return {"item": item.id, "robot": robot.id, "customer": order.user_id}


@pytest.mark.parametrize("area", AREAS)
def test_pages(page: Page, site: str, superuser: User, ids: dict[str, int], area: str) -> None:
    sign_in(page, f"{site}/admin/", superuser)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    for name, path in AREAS[area].items():
        page.goto(f"{site}/admin/{path.format(**ids)}")
        assert examine(page, name) == []


def test_sign_in_and_refusals(page: Page, site: str, session: Session, settings: Settings) -> None:
    ada = enrolled(session, Vault(settings.secret_keys), superuser=True)
    page.goto(f"{site}/admin/login")
    assert examine(page, "login") == []
    sign_in(page, f"{site}/admin/", ada.user)
    expect(page.get_by_label("Code")).to_be_visible()
    assert examine(page, "login-code") == []
    page.context.clear_cookies()
    clerk = grant(UserFactory.create(staff=True), "items.view_item")
    session.commit()
    sign_in(page, f"{site}/admin/users-user/list", clerk)
    expect(page.get_by_role("heading", name="You are not allowed")).to_be_visible()
    assert examine(page, "refused") == []


def test_mistakes_and_conflicts(
    page: Page, site: str, superuser: User, session: Session, ids: dict[str, int]
) -> None:
    sign_in(page, f"{site}/admin/items-item/edit/{ids['item']}", superuser)
    page.get_by_label("Price").fill("30.00")
    session.get_one(Item, ids["item"]).price = Decimal("40.00")
    session.commit()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Two versions")).to_be_visible()
    assert examine(page, "conflict") == []
    page.goto(f"{site}/admin/users-user/create")
    page.get_by_label("Email").fill(superuser.email)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert examine(page, "mistake") == []

"""Small things that people notice: what stays typed, what a mistake says, where the menu is."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import SAME_ORIGIN, enter, shown_form


def test_email_stays_and_the_password_does_not(client: TestClient, session: Session) -> None:
    form = {"username": 'ada"@example.com', "password": "wrong-and-secret"}
    page = client.post("/admin/login", data=form, headers=SAME_ORIGIN)
    assert page.status_code == 401
    assert 'value="ada&#34;@example.com"' in page.text
    assert "wrong-and-secret" not in page.text


@pytest.mark.needs("items")
@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("items-item/edit/999999", 404, "Not found"),
        ("no-such/list", 404, "Not found"),
        ("no/such/page/at/all", 404, "Not found"),
        ("users-user/list", 403, "You are not allowed to do this."),
    ],
)
def test_error_pages_keep_the_menu(
    client: TestClient, session: Session, path: str, status: int, sentence: str
) -> None:
    enter(client, grant(UserFactory.create(staff=True), "items.view_item", "items.change_item"))
    page = client.get(f"/admin/{path}")
    assert page.status_code == status
    assert f"<h1>{sentence}</h1>" in page.text
    assert 'href="/admin/items-item/list"' in page.text
    assert 'href="/admin/users-user/list"' not in page.text


def test_strangers_see_no_menu(client: TestClient, session: Session) -> None:
    page = client.get("/admin/nowhere")
    assert page.status_code == 404
    assert "side-menu" not in page.text


@pytest.mark.needs("items")
def test_mistakes_say_what_is_expected(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True))
    path = f"/admin/items-item/edit/{ItemFactory.create().id}"
    page = client.get(path)
    assert "View on site" not in page.text, "there is no page for people"
    answer = client.post(path, data=shown_form(page) | {"price": "x", "stock": "y"})
    assert answer.status_code == 400
    assert "Write a whole number, such as 42." in answer.text
    assert "Write a number, such as 12.50." in answer.text


@pytest.mark.needs("items", "audit")
def test_a_row_has_one_address(client: TestClient, session: Session) -> None:
    """Another way to write its id is nobody's: links, locks and histories go by one."""
    enter(client, UserFactory.create(superuser=True))
    item = ItemFactory.create(name="Old")
    path = f"/admin/items-item/edit/{item.id}"
    assert client.post(path, data=shown_form(client.get(path)) | {"name": "New"}).status_code == 303
    assert "New</ins>" in client.get(f"/admin/items-item/history/{item.id}").text
    for page in ("edit", "details", "history"):
        assert client.get(f"/admin/items-item/{page}/0{item.id}").status_code == 404


@pytest.mark.needs("orders")
def test_search_over_a_relation_asks_for_it(client: TestClient, session: Session) -> None:
    order = OrderFactory.create()
    clerk = grant(UserFactory.create(staff=True), "orders.view_order")
    enter(client, clerk)
    path = f"/admin/orders-order/list?search={order.user.email}"
    link = f"/admin/orders-order/details/{order.id}"
    assert link not in client.get(path).text
    assert link in client.get(f"/admin/orders-order/list?search={order.id}").text
    grant(clerk, "users.view_user")
    assert link in client.get(path).text


def test_matrix_spells_acronyms(client: TestClient, session: Session) -> None:
    enter(client, UserFactory.create(superuser=True))
    page = client.get("/admin/users-group/create").text
    assert '<th scope="row">API key</th>' in page
    assert "Api key" not in page

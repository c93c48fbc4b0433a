"""Actions on rows: who may, which rows, all or none, and what the history is told."""

import re
from collections.abc import Sequence
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.audit.models import Change
from apps.items.models import Item
from apps.orders.models import CANCELLED, PLACED
from apps.users.models import User
from project.admin.lists import selection
from project.admin.lists.selection import MOST_ROWS
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory, OrderLineFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter, shown_form

USERS, ITEMS, ORDERS = (
    f"/admin/{view}/action" for view in ("users-user", "items-item", "orders-order")
)


def act(
    client: TestClient, path: str, action: str, rows: Sequence[Any] = (), **sent: Any
) -> Response:
    return client.post(path, data={"action": action, "pks": [row.id for row in rows], **sent})


def said(client: TestClient, response: Response) -> str:
    """Follow to the next page; return what it says."""
    assert response.status_code == 303, response.text[-1500:]
    page = client.get(response.headers["location"])
    found = re.search(r'role="status">(.*?)</p>', page.text)
    return unescape(found[1]) if found else ""


def stocks(session: Session) -> list[int]:
    session.expire_all()
    return list(session.scalars(select(Item.stock).order_by(Item.id)))


def actions_told(session: Session) -> list[tuple[str, str, dict[str, Any]]]:
    rows = session.scalars(select(Change).order_by(Change.id))
    return [(row.action, row.object_id, row.changes) for row in rows]


def test_action_runs_and_says_so_once(admin: TestClient, session: Session) -> None:
    users = UserFactory.create_batch(2, disabled=True)
    other = UserFactory.create(disabled=True)
    response = act(admin, USERS, "activate", users, back="search=example")
    assert response.headers["location"] == "/admin/users-user/list?search=example"
    assert said(admin, response) == "Activate: 2 users."
    assert 'role="status"' not in admin.get("/admin/users-user/list").text
    session.expire_all()
    assert [user.is_active for user in (*users, other)] == [True, True, False]
    assert actions_told(session) == [
        ("activate", str(user.id), {"is_active": [False, True]}) for user in users
    ]


def test_question_names_the_rows_first(admin: TestClient, session: Session) -> None:
    users = UserFactory.create_batch(21)
    page = act(admin, USERS, "deactivate", users)
    assert page.status_code == 200
    assert f"<b>{users[0].email}</b>" in page.text
    assert "and 1 more" in page.text
    session.expire_all()
    assert all(user.is_active for user in users)
    assert act(admin, USERS, "deactivate", users, _agreed="21").status_code == 303
    session.expire_all()
    assert not any(user.is_active for user in users)


def test_a_question_has_an_address(admin: TestClient, session: Session) -> None:
    """Whoever was signed out comes back to it; asking changes nothing."""
    items = ItemFactory.create_batch(2)
    page = act(admin, ITEMS, "set_stock", items, back="search=x")
    address = unescape(
        re.findall(r'<form class="card" method="post" action="([^"]+)"', page.text)[0]
    )
    assert address.startswith(f"{ITEMS}/set_stock?pks={items[0].id}&")
    again = admin.get(address)
    assert again.status_code == 200
    assert shown_form(again) == shown_form(page) | {"value-stock": ""}
    assert admin.get(f"{address}&_agreed=2&value-stock=3").status_code == 200
    assert stocks(session) == [10, 10]
    sent = {**shown_form(again), "pks": [i.id for i in items], "value-stock": "7"}
    response = admin.post(address, data=sent)
    assert response.headers["location"] == "/admin/items-item/list?search=x"
    assert stocks(session) == [7, 7]
    admin.cookies.clear()
    to_sign_in = admin.post(address, data=sent).headers["location"]
    assert parse_qs(urlsplit(to_sign_in).query)["next"] == [address]


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        ("set_stock", "whole_list=1&back=", 200),
        ("set_stock", "", 400),
        ("set_stock", "pks=x", 404),
        ("nothing", "pks=1", 404),
        ("delete_chosen", "pks=1", 303),
        ("delete_chosen", "whole_list=1&_agreed=1", 200),
    ],
)
def test_addresses_of_questions(
    admin: TestClient, session: Session, name: str, query: str, status: int
) -> None:
    ItemFactory.create()
    assert admin.get(f"{ITEMS}/{name}?{query}").status_code == status
    assert stocks(session) == [10]


def test_question_of_an_action_needs_its_permission(client: TestClient) -> None:
    item = ItemFactory.create()
    keeper = enter(client, grant(UserFactory.create(staff=True), "items.view_item"))
    assert client.get(f"{ITEMS}/set_stock?pks={item.id}").status_code == 403
    grant(keeper, "items.change_item")
    assert client.get(f"{ITEMS}/set_stock?pks={item.id}").status_code == 200


def test_form_is_shown_then_checked_then_used(admin: TestClient, session: Session) -> None:
    items = ItemFactory.create_batch(2)
    page = act(admin, ITEMS, "set_stock", items)
    assert 'name="value-stock"' in page.text
    assert "This field is required" not in page.text
    for wrong in ("", "-1", "x", "99999999999999999999", "\0"):
        page = act(admin, ITEMS, "set_stock", items, **{"_agreed": "2", "value-stock": wrong})
        assert page.status_code == 400
        assert 'class="wrong"' in page.text
    sent = {"_agreed": "2", "value-stock": "7"}
    assert said(admin, act(admin, ITEMS, "set_stock", items, **sent)) == "Set stock to: 2 items."
    assert stocks(session) == [7, 7]
    assert actions_told(session)[0] == ("set_stock", str(items[0].id), {"stock": [10, 7]})


def test_all_or_nothing_with_a_sentence_for_each(admin: TestClient, session: Session) -> None:
    item, order = ItemFactory.create(), OrderFactory.create()
    OrderLineFactory.create(order=order, item=item, quantity=3)
    over = OrderFactory.create_batch(2, cancelled=True)
    page = act(admin, ORDERS, "cancel", [order, *over], _agreed="3")
    assert page.status_code == 409
    for late in over:
        assert f"<li>Order {late.id} is cancelled already.</li>" in page.text
    session.expire_all()
    assert order.status == PLACED
    assert actions_told(session) == []
    assert (
        said(admin, act(admin, ORDERS, "cancel", [order], _agreed="1")) == "Cancel orders: 1 order."
    )
    session.expire_all()
    assert order.status == CANCELLED
    assert item.stock == 13


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        ((), 403),
        (("orders.view_order",), 403),
        (("orders.view_order", "items.change_item"), 403),
        (("orders.change_order",), 303),
    ],
)
def test_permission_of_an_action(
    client: TestClient, session: Session, permissions: tuple[str, ...], status: int
) -> None:
    enter(client, grant(UserFactory.create(staff=True), *permissions))
    order = OrderFactory.create()
    assert act(client, ORDERS, "cancel", [order], _agreed="1").status_code == status
    page = client.get("/admin/orders-order/list").text
    assert ('value="cancel"' in page) == (status == 303)
    page = client.get(details_of(OrderFactory.create())).text
    assert ('value="cancel"' in page) == (status == 303)


def test_rule_for_rows_is_asked(client: TestClient, session: Session) -> None:
    """Whoever may change accounts leaves those alone who hold more."""
    enter(client, grant(UserFactory.create(staff=True), "users.change_user"))
    plain, boss = UserFactory.create(), UserFactory.create(superuser=True)
    page = act(client, USERS, "deactivate", [plain, boss], _agreed="2")
    assert page.status_code == 403
    session.expire_all()
    assert plain.is_active
    assert boss.is_active


def test_action_on_one_row_leads_back_to_it(admin: TestClient, session: Session) -> None:
    user = UserFactory.create()
    assert 'value="deactivate"' in admin.get(f"/admin/users-user/details/{user.id}").text
    sent = {"_agreed": "1", "from": "details"}
    response = act(admin, USERS, "deactivate", [user], **sent)
    assert response.headers["location"] == f"/admin/users-user/details/{user.id}"


def test_whole_list_is_what_its_filters_match(admin: TestClient, session: Session) -> None:
    items = [ItemFactory.create(price=Decimal(price)) for price in (5, 50, 51, 52)]
    sent = {"whole_list": "1", "back": "price__gte=50&sortBy=name&page=2", "value-stock": "0"}
    page = act(admin, ITEMS, "set_stock", items[:1], **sent)
    assert "<b>3 items</b>, on all pages" in page.text
    assert stocks(session) == [10, 10, 10, 10]
    response = act(admin, ITEMS, "set_stock", **sent, _agreed="3")
    assert said(admin, response) == "Set stock to: 3 items."
    assert stocks(session) == [10, 0, 0, 0]


def test_more_rows_than_were_shown_are_asked_about_again(
    admin: TestClient, session: Session
) -> None:
    ItemFactory.create_batch(2)
    sent = {"whole_list": "1", "back": "", "value-stock": "0"}
    assert act(admin, ITEMS, "set_stock", **sent).status_code == 200
    ItemFactory.create()
    page = act(admin, ITEMS, "set_stock", **sent, _agreed="2")
    assert page.status_code == 409
    assert 'name="_agreed" value="3"' in page.text
    assert "More rows match now" in page.text
    assert stocks(session) == [10, 10, 10]
    assert act(admin, ITEMS, "set_stock", **sent, _agreed="3").status_code == 303
    assert stocks(session) == [0, 0, 0]


@pytest.mark.parametrize("back", ["pricee=5", "price__gte=x", "after=broken", "created_at=2026-99"])
def test_whole_list_of_a_wrong_address_is_refused(
    admin: TestClient, session: Session, back: str
) -> None:
    ItemFactory.create()
    sent = {"whole_list": "1", "back": back, "value-stock": "0", "_agreed": "1"}
    assert act(admin, ITEMS, "set_stock", **sent).status_code == 400
    assert stocks(session) == [10]


def test_many_rows_come_in_batches(
    admin: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch, statements: list[str]
) -> None:
    monkeypatch.setattr(selection, "BATCH", 2)
    owner = UserFactory.create()
    ItemFactory.create_batch(5, owner=owner)
    sent = {"whole_list": "1", "back": "", "value-stock": "0", "_agreed": "5"}
    assert said(admin, act(admin, ITEMS, "set_stock", **sent)) == "Set stock to: 5 items."
    assert stocks(session) == [0] * 5
    assert len([s for s in statements if "FOR UPDATE OF items_item" in s]) == 3


def test_too_many_rows_are_refused(
    admin: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_ROWS == 10_000
    monkeypatch.setattr(selection, "MOST_ROWS", 2)
    ItemFactory.create_batch(3)
    sent = {"whole_list": "1", "back": "", "value-stock": "0", "_agreed": "3"}
    page = act(admin, ITEMS, "set_stock", **sent)
    assert page.status_code == 422
    assert "narrow the list first" in page.text
    assert stocks(session) == [10] * 3


def test_delete_is_an_action(admin: TestClient, session: Session) -> None:
    items = ItemFactory.create_batch(3)
    response = act(admin, ITEMS, "delete_chosen", items[:2], back="search=lamp")
    assert response.status_code == 303
    page = admin.get(response.headers["location"])
    assert "Delete 2 items?" in page.text
    sent = {"whole_list": "1", "back": "", "_agreed": "3"}
    assert said(admin, act(admin, ITEMS, "delete_chosen", **sent)) == "Delete: 3 items."
    assert session.scalars(select(Item)).all() == []
    assert [action for action, *_ in actions_told(session)] == ["delete"] * 3


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"action": "activate"},
        {"action": "activate", "pks": "0"},
        {"action": "activate", "pks": "\0"},
        {"action": "activate", "pks": "9" * 30},
        {"action": "activate", "pks": "1 OR 1=1"},
        {"action": "update_row", "pks": "1"},
        {"action": "__init__", "pks": "1"},
        {"action": "activate", "pks": "1", "_agreed": "-1", "whole_list": "1", "back": "x=" * 99},
        {"action": "deactivate", "_agreed": "9" * 99, "whole_list": "1", "back": "\0"},
    ],
)
def test_hostile_input(admin: TestClient, sent: dict[str, str]) -> None:
    assert 400 <= admin.post(USERS, data=sent).status_code < 500


def test_nothing_happens_by_get_or_for_other_sites(admin: TestClient, session: Session) -> None:
    user = UserFactory.create(disabled=True)
    query = f"?action=activate&pks={user.id}"
    assert admin.get(USERS + query).status_code == 405
    sent = {"action": "activate", "pks": str(user.id)}
    assert admin.post(USERS, data=sent, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    session.expire_all()
    assert not session.get_one(User, user.id).is_active


def test_sentence_of_another_key_is_not_shown(admin: TestClient) -> None:
    admin.cookies.set("lintel_admin_said", "SGVsbG8=.0000", path="/admin")
    assert "Hello" not in admin.get("/admin/").text


def test_action_and_edit_at_once(admin: TestClient, session: Session) -> None:
    """An edit that was begun before an action is a conflict, and undoes nothing of it."""
    item = ItemFactory.create()
    path = f"/admin/items-item/edit/{item.id}"
    opened = shown_form(admin.get(path))
    sent = {"_agreed": "1", "value-stock": "3"}
    assert act(admin, ITEMS, "set_stock", [item], **sent).status_code == 303
    page = admin.post(path, data=opened | {"name": "Late", "stock": "10"})
    assert page.status_code == 409
    assert stocks(session) == [3]


def test_a_page_offers_only_what_applies_to_its_row(admin: TestClient) -> None:
    placed, over = OrderFactory.create(), OrderFactory.create(cancelled=True)
    active, disabled = UserFactory.create(), UserFactory.create(disabled=True)
    offered = {
        f"orders-order/details/{placed.id}": ["cancel"],
        f"orders-order/details/{over.id}": [],
        f"users-user/edit/{active.id}": ["deactivate"],
        f"users-user/details/{disabled.id}": ["activate"],
    }
    for path, expected in offered.items():
        page = admin.get(f"/admin/{path}").text
        assert re.findall(r'name="action" value="(\w+)"', page) == expected, path


def test_the_question_has_two_buttons_that_differ(admin: TestClient) -> None:
    orders = OrderFactory.create_batch(2)
    assert "Cancel the order…</button>" in admin.get(details_of(orders[0])).text
    for chosen, button in ((orders[:1], "Cancel the order"), (orders, "Cancel the orders")):
        page = act(admin, ORDERS, "cancel", chosen).text
        foot = page[page.index('<div class="form-foot">') :]
        assert re.findall(r">([^<>]+)</(?:button|a)>", foot) == [button, "Back"]
    german = {"Accept-Language": "de"}
    page = admin.post(ORDERS, data={"action": "cancel", "pks": orders[0].id}, headers=german).text
    foot = page[page.index('<div class="form-foot">') :]
    assert re.findall(r">([^<>]+)</(?:button|a)>", foot) == ["Stornieren", "Zurück"]


def details_of(order: Any) -> str:
    return f"/admin/orders-order/details/{order.id}"

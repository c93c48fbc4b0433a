"""Editing in the list: each row as its own page would save it, all of them or none."""

import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from apps.audit.models import Change
from apps.items.models import Item
from project.admin.views import ModelAdmin
from project.errors import AppError
from project.runtime import Runtime
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter
from tests.project.admin.workshop import workshop

ITEMS = "/admin/items-item/list"


def inputs(page: Response) -> dict[str, str]:
    """Return what a browser would send if nobody touched the list."""
    assert page.status_code < 500
    found = {}
    for tag in re.findall(r'<input[^>]*name="row-[^>]*>', page.text):
        name, value = (re.search(rf'{part}="([^"]*)"', tag) for part in ("name", "value"))
        assert name
        found[name[1]] = unescape(value[1]) if value else ""
    return found


def name_of(sent: dict[str, str], item: Item, field: str) -> str:
    """Find the name of a row's input."""
    (number,) = (
        name.split("-")[1]
        for name, value in sent.items()
        if name.endswith("_id") and value == str(item.id)
    )
    return f"row-{number}-{field}"


def fresh(session: Session, item: Item) -> tuple[Decimal, int]:
    session.expire_all()
    found = session.get_one(Item, item.id)
    return found.price, found.stock


@pytest.fixture
def grace(application: FastAPI, session: Session) -> Iterator[TestClient]:
    with TestClient(application, follow_redirects=False) as client:
        enter(client, UserFactory.create(superuser=True, email="grace@example.com"))
        yield client


def test_touched_rows_are_saved_and_no_others(admin: TestClient, session: Session) -> None:
    first, second, third = ItemFactory.create_batch(3, price=Decimal("1.00"))
    sent = inputs(admin.get(ITEMS))
    sent |= {name_of(sent, first, "price"): "2.50", name_of(sent, third, "stock"): "0"}
    response = admin.post(f"{ITEMS}?search=lamp", data=sent)
    assert response.headers["location"] == f"{ITEMS}?search=lamp"
    assert "2 items saved." in admin.get(ITEMS).text
    assert [fresh(session, item) for item in (first, second, third)] == [
        (Decimal("2.50"), 10),
        (Decimal("1.00"), 10),
        (Decimal("1.00"), 0),
    ]
    changes = session.scalars(select(Change).order_by(Change.id)).all()
    assert [(c.action, c.object_id, c.changes) for c in changes] == [
        ("change", str(first.id), {"price": ["1.00", "2.50"]}),
        ("change", str(third.id), {"stock": [10, 0]}),
    ]


def test_nothing_touched_nothing_saved(admin: TestClient, session: Session) -> None:
    ItemFactory.create_batch(2)
    assert admin.post(ITEMS, data=inputs(admin.get(ITEMS))).status_code == 303
    assert session.scalars(select(Change)).all() == []


@pytest.mark.parametrize("wrong", ["", "x", "-1", "1.005", "9" * 30, "\0", "NaN"])
def test_mistake_stands_at_its_cell_and_nothing_is_saved(
    admin: TestClient, session: Session, wrong: str
) -> None:
    good, bad = ItemFactory.create_batch(2)
    sent = inputs(admin.get(ITEMS))
    sent |= {name_of(sent, good, "stock"): "5", name_of(sent, bad, "price"): wrong}
    page = admin.post(ITEMS, data=sent)
    assert page.status_code == 400
    again = inputs(page)
    assert again[name_of(again, good, "stock")] == "5"
    assert f'id="wrong-{name_of(again, bad, "price")}"' in page.text
    assert fresh(session, good) == (Decimal("49.90"), 10)


def test_two_who_save_at_once(admin: TestClient, grace: TestClient, session: Session) -> None:
    """The one who is late sees it, and loses nothing; untouched rows are no conflict."""
    item, other = ItemFactory.create_batch(2, price=Decimal("1.00"))
    mine, hers = inputs(admin.get(ITEMS)), inputs(grace.get(ITEMS))
    hers |= {name_of(hers, item, "price"): "3", name_of(hers, other, "price"): "3"}
    assert grace.post(ITEMS, data=hers).status_code == 303
    mine |= {name_of(mine, item, "price"): "2"}
    page = admin.post(ITEMS, data=mine)
    assert page.status_code == 409
    assert "grace@example.com changed this meanwhile: Price is now 3.00." in page.text
    again = inputs(page)
    assert again[name_of(again, item, "price")] == "2"
    assert again[name_of(again, other, "price")] == "3.00"
    assert fresh(session, item)[0] == Decimal("3.00")
    assert admin.post(ITEMS, data=again).status_code == 303
    assert fresh(session, item)[0] == Decimal("2.00")
    assert fresh(session, other)[0] == Decimal("3.00")


def test_row_that_is_gone(admin: TestClient, session: Session) -> None:
    item, other = ItemFactory.create_batch(2)
    sent = inputs(admin.get(ITEMS))
    sent |= {name_of(sent, item, "price"): "2", name_of(sent, other, "stock"): "1"}
    session.execute(delete(Item).where(Item.id == item.id))
    session.commit()
    page = admin.post(ITEMS, data=sent)
    assert page.status_code == 404
    assert "This is gone" in page.text
    assert "You wrote: Price 2" in page.text
    again = inputs(page)
    assert again[name_of(again, other, "stock")] == "1"


def test_whoever_may_not_change_sees_no_inputs(client: TestClient, session: Session) -> None:
    item = ItemFactory.create()
    user = enter(client, grant(UserFactory.create(staff=True), "items.view_item"))
    page = client.get(ITEMS)
    assert inputs(page) == {}
    assert "Save changes" not in page.text
    enter(client, grant(user, "items.change_item"))
    assert name_of(inputs(client.get(ITEMS)), item, "price")


def test_only_columns_of_the_list_can_be_sent(admin: TestClient, session: Session) -> None:
    item = ItemFactory.create(name="Table")
    sent = inputs(admin.get(ITEMS))
    name = name_of(sent, item, "name")
    opened = name_of(sent, item, "_opened")
    sent |= {name: "Desk", opened: '{"name": "Table", "price": "1", "owner": ""}'}
    admin.post(ITEMS, data=sent | {name_of(sent, item, "owner"): "1"})
    session.expire_all()
    assert session.get_one(Item, item.id).name == "Table"


@pytest.mark.parametrize(
    "sent",
    [
        {"row-0-_id": "x", "row-0-price": "1", "row-0-_opened": '{"price": "2"}'},
        {"row-0-_id": "\0", "row-0-price": "1", "row-0-_opened": '{"price": "2"}'},
        {"row-0-_id": "9" * 40, "row-0-price": "1", "row-0-_opened": '{"price": "2"}'},
        {"row-0-_id": "1", "row-0-price": "1", "row-0-_opened": "[" * 9999},
        {"row-0-_id": "1", "row-0-price": "1", "row-0-_opened": '{"price": 2}'},
        {"row--": "1", "row-0": "1", "row-x-_id": ""},
        {f"row-{number}-_id": "1" for number in range(101)},
    ],
)
def test_hostile_input(admin: TestClient, session: Session, sent: dict[str, str]) -> None:
    ItemFactory.create()
    assert admin.post(ITEMS, data=sent).status_code < 500


@pytest.mark.parametrize("column", ["owner", "description"])
def test_column_that_cannot_be_edited_ends_the_start(
    runtime: Runtime, session: Session, column: str
) -> None:
    class Wrong(ModelAdmin, model=Item):
        column_list = (Item.id, "owner", Item.created_at)
        list_editable = (column,)

    with (
        pytest.raises(AppError, match="list_editable names"),
        workshop(runtime, session, type("Empty", (), {"sorted_tables": ()})(), Wrong),
    ):
        pass

"""Two people edit one row: the second sees both versions, and nothing is lost."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from wtforms import Form, SelectField

from apps.audit.models import Change
from apps.items.models import Item
from project.admin.conflicts import readable
from tests.factories.items import ItemFactory
from tests.factories.users import GroupFactory, UserFactory
from tests.project.admin.support import enter, shown_form


@pytest.fixture
def ada(client: TestClient) -> TestClient:
    enter(client, UserFactory.create(superuser=True, email="ada@example.com"))
    return client


@pytest.fixture
def grace(application: FastAPI, session: Session) -> Iterator[TestClient]:
    """A browser of somebody else's."""
    with TestClient(application, follow_redirects=False) as client:
        enter(client, UserFactory.create(superuser=True, email="grace@example.com"))
        yield client


def versions(page: Response) -> dict[str, dict[str, str]]:
    """What the page shows of each field: what it was, theirs, yours."""
    found = {}
    for part in re.findall(r'<fieldset class="versions">(.*?)</fieldset>', page.text, re.DOTALL):
        legend = re.findall(r"<legend>(.*?)</legend>", part)[0]
        texts = re.findall(r'<span class="version-text">(.*?)</span>', part, re.DOTALL)
        chosen = re.findall(r'value="(\w+)" checked', part)
        names = ("opened", "theirs", "mine") if len(texts) == 3 else ("theirs", "mine")
        found[legend] = dict(zip(names, map(unescape, texts), strict=True)) | {"chosen": chosen[0]}
    return found


def test_both_versions_are_shown(ada: TestClient, grace: TestClient, session: Session) -> None:
    item = ItemFactory.create(name="Table", price=Decimal("49.90"), description="a\nb")
    path = f"/admin/items-item/edit/{item.id}"
    first, second = shown_form(ada.get(path)), shown_form(grace.get(path))
    assert ada.post(path, data=first | {"price": "40", "name": "Desk"}).status_code == 303
    page = grace.post(path, data=second | {"price": "30", "stock": "3"})
    assert page.status_code == 409
    assert versions(page) == {
        "Name": {"opened": "Table", "theirs": "Desk", "mine": "Table", "chosen": "theirs"},
        "Price": {"opened": "49.90", "theirs": "40.00", "mine": "30", "chosen": "mine"},
        "Stock": {"opened": "10", "theirs": "10", "mine": "3", "chosen": "mine"},
    }
    assert "<b>ada@example.com</b> saved this on" in page.text
    # As it stands, saving keeps what each of them meant to change.
    assert grace.post(path, data=shown_form(page)).status_code == 303
    session.expire_all()
    saved = session.get_one(Item, item.id)
    assert (saved.name, saved.price, saved.stock) == ("Desk", Decimal("30.00"), 3)
    last = session.scalars(select(Change).order_by(Change.id.desc()).limit(1)).one()
    assert last.changes == {"price": ["40.00", "30.00"], "stock": [10, 3]}


def test_each_field_can_be_chosen(ada: TestClient, grace: TestClient, session: Session) -> None:
    item = ItemFactory.create(name="Table", price=Decimal("49.90"))
    path = f"/admin/items-item/edit/{item.id}"
    first, second = shown_form(ada.get(path)), shown_form(grace.get(path))
    ada.post(path, data=first | {"price": "40", "name": "Desk"})
    again = shown_form(grace.post(path, data=second | {"price": "30", "name": "Bench"}))
    again |= {"_take-price": "theirs", "_take-name": "mine"}
    assert grace.post(path, data=again).status_code == 303
    session.expire_all()
    saved = session.get_one(Item, item.id)
    assert (saved.name, saved.price) == ("Bench", Decimal("40.00"))


def test_what_is_written_after_the_choice_counts(
    ada: TestClient, grace: TestClient, session: Session
) -> None:
    item = ItemFactory.create(name="Table")
    path = f"/admin/items-item/edit/{item.id}"
    first, second = shown_form(ada.get(path)), shown_form(grace.get(path))
    ada.post(path, data=first | {"name": "Desk"})
    again = shown_form(grace.post(path, data=second | {"stock": "3"}))
    assert again["_take-name"] == "theirs"
    assert grace.post(path, data=again | {"name": "Bench"}).status_code == 303
    session.expire_all()
    assert session.get_one(Item, item.id).name == "Bench"


def test_a_third_version_is_a_conflict_again(
    ada: TestClient, grace: TestClient, session: Session
) -> None:
    item = ItemFactory.create(price=Decimal("49.90"))
    path = f"/admin/items-item/edit/{item.id}"
    first, second = shown_form(ada.get(path)), shown_form(grace.get(path))
    ada.post(path, data=first | {"price": "40"})
    again = shown_form(grace.post(path, data=second | {"price": "30"}))
    ada.post(path, data=shown_form(ada.get(path)) | {"price": "41"})
    page = grace.post(path, data=again)
    assert page.status_code == 409
    assert versions(page)["Price"] == {
        "opened": "40.00",
        "theirs": "41.00",
        "mine": "30",
        "chosen": "mine",
    }


def test_a_change_from_elsewhere_has_no_name(ada: TestClient, session: Session) -> None:
    item = ItemFactory.create(price=Decimal("49.90"))
    path = f"/admin/items-item/edit/{item.id}"
    ada.post(path, data=shown_form(ada.get(path)) | {"price": "45"})
    form = shown_form(ada.get(path))
    session.execute(update(Item).values(price=Decimal("44.00")))
    session.commit()
    page = ada.post(path, data=form | {"price": "30"})
    assert page.status_code == 409
    assert "It was saved, not from here, while you had it open." in page.text
    assert "ada@example.com</b> saved this" not in page.text


def test_both_wrote_the_same(ada: TestClient, grace: TestClient) -> None:
    item = ItemFactory.create(price=Decimal("49.90"))
    path = f"/admin/items-item/edit/{item.id}"
    first, second = shown_form(ada.get(path)), shown_form(grace.get(path))
    ada.post(path, data=first | {"price": "40"})
    page = grace.post(path, data=second | {"price": "40"})
    assert page.status_code == 409
    assert "What you wrote is what is there now" in page.text
    assert grace.post(path, data=shown_form(page)).status_code == 303


def test_boxes_and_flags(ada: TestClient, grace: TestClient) -> None:
    user, group = UserFactory.create(is_active=True), GroupFactory.create(name="Editors")
    path = f"/admin/users-user/edit/{user.id}"
    first, second = shown_form(ada.get(path)), shown_form(grace.get(path))
    del first["is_active"]
    ada.post(path, data=first | {"groups": ["", str(group.id)]})
    page = grace.post(path, data=second | {"full_name": "Grace"})
    assert page.status_code == 409
    found = versions(page)
    assert found["Active"] == {"opened": "Yes", "theirs": "No", "mine": "Yes", "chosen": "theirs"}
    assert found["Groups"]["theirs"] == f"Editors ({group.id})"


@pytest.mark.parametrize(
    "opened", ["", "{", "[]", "7", '{"price": 7}', '{"price": "<b>x</b>"}', "[" * 5000, "\0"]
)
def test_what_the_form_carries_is_not_believed(ada: TestClient, opened: str) -> None:
    item = ItemFactory.create(price=Decimal("49.90"))
    path = f"/admin/items-item/edit/{item.id}"
    form = shown_form(ada.get(path)) | {"_opened": opened}
    page = ada.post(path, data=form | {"price": "40", "_version": "1"})
    assert page.status_code == 409
    assert "<b>x</b>" not in page.text
    assert versions(page)["Price"]["theirs"] == "49.90"


def test_a_password_is_not_carried_along(ada: TestClient) -> None:
    user = UserFactory.create()
    form = shown_form(ada.get(f"/admin/users-user/edit/{user.id}"))
    assert json.loads(form["_opened"]).keys() == {
        *("email", "full_name", "is_active", "is_staff", "is_superuser"),
        *("groups", "permissions"),
    }


def test_values_are_written_as_in_lists(ada: TestClient, grace: TestClient) -> None:
    item = ItemFactory.create(price=Decimal("49.90"))
    path = f"/admin/items-item/edit/{item.id}"
    first, second = shown_form(ada.get(path)), shown_form(grace.get(path))
    ada.post(path, data=first | {"price": "1234.50"})
    german = {"Accept-Language": "de"}
    page = grace.post(path, data=second | {"price": "2000", "stock": "5"}, headers=german)
    found = versions(page)["Preis"]
    assert (found["opened"], found["theirs"], found["mine"]) == ("49,90", "1.234,50", "2.000")
    assert re.search(r"geöffnet war\.\S", page.text) is None  # a space between two sentences


def test_a_choice_is_called_as_in_its_list() -> None:
    class Order(Form):  # type: ignore[misc]
        status = SelectField(choices=[("placed", "Placed")])

    assert readable(Order(status="placed").status) == "Placed"
    assert readable(Order(status="gone").status) == "gone"

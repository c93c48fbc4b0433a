from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from apps.items.models import Image, Item
from apps.items.services import file_names
from apps.users.models import User
from project.runtime import Runtime
from project.storage import FileMissing
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory
from tests.project.admin.support import shown_form, sign_in


@pytest.fixture
def admin(client: TestClient) -> TestClient:
    sign_in(client)
    return client


def test_list_shows_items_and_leads_to_them(admin: TestClient) -> None:
    item = ItemFactory.create(name="Oak <b>table</b>", price=Decimal("1299.00"))
    page = admin.get("/admin/items-item/list").text
    assert f'href="/admin/items-item/edit/{item.id}"' in page
    assert "Oak &lt;b&gt;table&lt;/b&gt;" in page
    assert 'value="1299.00"' in page  # which can be changed in the list
    assert item.owner.email in page


def test_list_makes_a_bounded_number_of_queries(admin: TestClient, statements: list[str]) -> None:
    ItemFactory.create_batch(10)
    statements.clear()
    admin.get("/admin/items-item/list")
    # session, its time; estimate, count, rows, owners
    assert len(statements) <= 6


def test_search_finds_words_and_their_beginnings(admin: TestClient) -> None:
    ItemFactory.create(name="Walnut lamp")
    ItemFactory.create(name="Oak table")
    page = admin.get("/admin/items-item/list", params={"search": "walnut lam"}).text
    assert "Walnut lamp" in page
    assert "Oak table" not in page


@pytest.mark.parametrize("column", ["id", "name", "price", "stock", "created_at"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_list_sorts(admin: TestClient, column: str, direction: str) -> None:
    ItemFactory.create(name="Aaa", price=Decimal("1.00"), stock=1)
    ItemFactory.create(name="Bbb", price=Decimal("2.00"), stock=2)
    page = admin.get("/admin/items-item/list", params={"sortBy": column, "sort": direction}).text
    first, second = ("Aaa", "Bbb") if direction == "asc" else ("Bbb", "Aaa")
    if column != "created_at":  # one transaction, one time
        assert page.index(first) < page.index(second)


def test_edit_lands_in_the_database(admin: TestClient, session: Session) -> None:
    item = ItemFactory.create(price=Decimal("49.90"))
    form = shown_form(admin.get(f"/admin/items-item/edit/{item.id}"))
    form["price"] = "12.50"
    response = admin.post(f"/admin/items-item/edit/{item.id}", data={**form, "save": "Save"})
    assert response.status_code == 303
    assert response.headers["location"] == "/admin/items-item/list"
    session.expire_all()
    assert session.get_one(Item, item.id).price == Decimal("12.50")


def test_saving_without_a_change_writes_nothing(admin: TestClient, statements: list[str]) -> None:
    item = ItemFactory.create(description="Two\nlines\r\nof both kinds ")
    form = shown_form(admin.get(f"/admin/items-item/edit/{item.id}"))
    statements.clear()
    assert admin.post(f"/admin/items-item/edit/{item.id}", data=form).status_code == 303
    assert not [s for s in statements if "items_item" in s and s.startswith("UPDATE")]


def test_create_with_an_owner_by_email(admin: TestClient, session: Session) -> None:
    owner = UserFactory.create()
    form = {"name": "New", "description": "", "price": "5", "stock": "", "owner": owner.email}
    response = admin.post("/admin/items-item/create", data={**form, "save": "Save"})
    assert response.status_code == 303, response.text
    item = session.scalars(select(Item)).one()
    assert (item.name, item.owner_id, item.stock) == ("New", owner.id, 0)


@pytest.mark.parametrize("owner", ["{id}", "somebody else #{id}"])
def test_owner_by_id(admin: TestClient, session: Session, owner: str) -> None:
    item, other = ItemFactory.create(), UserFactory.create()
    form = shown_form(admin.get(f"/admin/items-item/edit/{item.id}"))
    form["owner"] = owner.format(id=other.id)
    assert admin.post(f"/admin/items-item/edit/{item.id}", data=form).status_code == 303
    session.expire_all()
    assert session.get_one(Item, item.id).owner_id == other.id


@pytest.mark.parametrize("owner", ["0", "nobody@example.com", "99999999999999999999", "\0", "%"])
def test_owner_is_checked_when_saving(admin: TestClient, session: Session, owner: str) -> None:
    item = ItemFactory.create()
    form = shown_form(admin.get(f"/admin/items-item/edit/{item.id}"))
    response = admin.post(f"/admin/items-item/edit/{item.id}", data={**form, "owner": owner})
    assert response.status_code == 422
    assert "There is nothing with this id or name." in response.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("price", "NaN", "This must be a number."),
        ("price", "Infinity", "This must be a number."),
        ("price", "1.999", "At most 2 digits after the point."),
        ("price", "99999999999", "At most 10 digits before the point."),
        ("price", "-1", "Number must be at least 0."),
        ("price", "", "This field is required."),
        ("stock", "-1", "Number must be between 0 and 2147483647."),
        ("stock", "99999999999", "Number must be between"),
        ("stock", "", "This must not be empty."),
        ("name", "", "This field is required."),
        ("name", "   ", "An item needs a name."),
        ("name", "x" * 201, "Field cannot be longer than 200 characters."),
        ("name", "a\0b", "This holds a character that cannot be stored."),
    ],
)
def test_wrong_values_are_sentences(
    admin: TestClient, field: str, value: str, sentence: str
) -> None:
    item = ItemFactory.create()
    form = shown_form(admin.get(f"/admin/items-item/edit/{item.id}"))
    response = admin.post(f"/admin/items-item/edit/{item.id}", data={**form, field: value})
    assert 400 <= response.status_code < 500
    assert sentence in response.text
    for leak in ("psycopg", "INSERT", "UPDATE ", "ck_items", "Traceback"):
        assert leak not in response.text


def test_computed_and_excluded_columns_cannot_be_sent(admin: TestClient, session: Session) -> None:
    item = ItemFactory.create()
    form = shown_form(admin.get(f"/admin/items-item/edit/{item.id}"))
    extra = {"id": "7", "owner_id": "7", "created_at": "2000-01-01", "search": "x"}
    assert (
        admin.post(f"/admin/items-item/edit/{item.id}", data={**form, **extra}).status_code == 303
    )
    session.expire_all()
    kept = session.get_one(Item, item.id)
    assert kept.created_at.year > 2000


def test_form_does_not_load_the_table_of_users(admin: TestClient, statements: list[str]) -> None:
    UserFactory.create_batch(3)
    item = ItemFactory.create()
    statements.clear()
    page = admin.get(f"/admin/items-item/edit/{item.id}").text
    assert "<option" not in page
    assert f"{item.owner.email} #{item.owner_id}" in page
    assert not [s for s in statements if "FROM users_user" in s and "WHERE" not in s]


def test_lookup_suggests_owners(admin: TestClient) -> None:
    owner = UserFactory.create(email="ada_l@example.com")
    UserFactory.create(email="adaxl@example.com")
    response = admin.get("/admin/items-item/ajax/lookup?name=owner&term=ADA_")
    assert response.json() == {"results": [f"ada_l@example.com #{owner.id}"]}


@pytest.mark.parametrize("query", ["", "name=password_hash&term=a", "name=id", "name=%00"])
def test_lookup_of_anything_else(admin: TestClient, query: str) -> None:
    assert admin.get(f"/admin/items-item/ajax/lookup?{query}").status_code == 404


def test_delete_asks_first(admin: TestClient, session: Session) -> None:
    items = ItemFactory.create_batch(3)
    query = f"pks={items[0].id}&pks={items[1].id}"
    page = admin.get(f"/admin/items-item/delete?{query}")
    assert items[0].name in page.text
    assert session.scalar(select(func.count()).select_from(Item)) == 3
    chosen = [str(item.id) for item in items[:2]]
    response = admin.post("/admin/items-item/delete", data={"pks": chosen})
    assert response.headers["location"] == "/admin/items-item/list"
    assert session.scalars(select(Item.id)).all() == [items[2].id]


def test_delete_is_all_or_nothing(admin: TestClient, session: Session) -> None:
    item = ItemFactory.create()
    response = admin.post("/admin/items-item/delete", data={"pks": f"{item.id},{item.id + 100}"})
    assert response.status_code == 404
    assert session.scalar(select(func.count()).select_from(Item)) == 1


def test_second_of_two_editors_is_asked(admin: TestClient, session: Session) -> None:
    item = ItemFactory.create(price=Decimal("49.90"))
    first = shown_form(admin.get(f"/admin/items-item/edit/{item.id}"))
    second = dict(first)
    admin.post(f"/admin/items-item/edit/{item.id}", data={**first, "price": "40.00"})
    response = admin.post(f"/admin/items-item/edit/{item.id}", data={**second, "price": "30.00"})
    assert response.status_code == 409
    assert "Somebody else changed this" in response.text
    assert "40.00" in response.text
    session.expire_all()
    assert session.get_one(Item, item.id).price == Decimal("40.00")
    again = shown_form(response)
    assert again["price"] == "30.00"
    assert admin.post(f"/admin/items-item/edit/{item.id}", data=again).status_code == 303
    session.expire_all()
    assert session.get_one(Item, item.id).price == Decimal("30.00")


def test_pictures_go_with_what_is_deleted(
    admin: TestClient, session: Session, runtime: Runtime
) -> None:
    item, storage = ItemFactory.create(), runtime.storage
    item.image = Image(key="items/00/admin", digest="x", width=1, height=1)
    session.commit()
    names = file_names(item.image.key).values()
    for name in names:
        storage.put(name, b"content")
    admin.post("/admin/items-item/delete", data={"pks": str(item.id)})
    for name in names:
        with pytest.raises(FileMissing):
            storage.get(name)


def test_owner_of_items_cannot_be_deleted(admin: TestClient, session: Session) -> None:
    item = ItemFactory.create()
    response = admin.post("/admin/users-user/delete", data={"pks": str(item.owner_id)})
    assert response.status_code == 409
    assert "Items still refer to this" in response.text
    assert "fk_items" not in response.text
    assert session.scalar(select(func.count()).select_from(User)) == 2

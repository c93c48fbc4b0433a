"""What the history is told of each kind of write."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import ForeignKey, String, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from apps.audit.models import Change
from apps.items.models import Item
from apps.users.models import User
from project.admin.plain import LONGEST, plain
from project.admin.views import ModelAdmin, Values
from project.db.base import BigIntKey
from project.errors import Conflict
from project.runtime import Runtime
from tests.factories.items import ItemFactory
from tests.factories.users import GroupFactory, UserFactory
from tests.project.admin.support import enter, shown_form
from tests.project.admin.workshop import workshop


@pytest.fixture
def actor(client: TestClient) -> User:
    return enter(client, UserFactory.create(superuser=True))


def changes(session: Session) -> list[Change]:
    return list(session.scalars(select(Change).order_by(Change.id)))


def save(client: TestClient, path: str, **values: Any) -> None:
    form = shown_form(client.get(path)) | values
    assert client.post(path, data=form).status_code == 303


def test_change(client: TestClient, session: Session, actor: User) -> None:
    item, other = ItemFactory.create(price=Decimal("49.90")), UserFactory.create()
    save(client, f"/admin/items-item/edit/{item.id}", price="40", owner=str(other.id))
    (change,) = changes(session)
    assert (change.actor_id, change.actor_label) == (actor.id, actor.email)
    assert (change.action, change.model, change.object_id) == ("change", "items.item", str(item.id))
    assert change.object_label == item.name
    assert change.changes == {
        "price": ["49.90", "40.00"],
        "owner": [f"{item.owner.email} #{item.owner_id}", f"{other.email} #{other.id}"],
    }
    assert change.address == "testclient"
    assert change.request_id


def test_save_without_a_change_leaves_no_entry(
    client: TestClient, session: Session, actor: User
) -> None:
    item = ItemFactory.create(description="Two\nlines\r\nof both kinds ")
    save(client, f"/admin/items-item/edit/{item.id}")
    assert changes(session) == []


def test_what_a_service_makes_of_a_value_is_recorded(
    client: TestClient, session: Session, actor: User
) -> None:
    user = UserFactory.create(email="ada@example.com")
    save(client, f"/admin/users-user/edit/{user.id}", email="Ada@Example.com")
    assert changes(session) == []
    save(client, f"/admin/users-user/edit/{user.id}", email="GRACE@example.com")
    assert changes(session)[0].changes == {"email": ["ada@example.com", "grace@example.com"]}


def test_add_and_delete_tell_all_values(client: TestClient, session: Session, actor: User) -> None:
    form = {"name": "Hook", "description": "", "price": "5", "stock": "", "owner": actor.email}
    assert client.post("/admin/items-item/create", data=form).status_code == 303
    item_id = session.scalars(select(Item.id)).one()
    client.post("/admin/items-item/delete", data={"pks": str(item_id)})
    added, deleted = changes(session)
    assert added.changes["price"] == [None, "5.00"]
    assert added.changes["stock"] == [None, 0]
    assert added.changes["owner"] == [None, f"{actor.email} #{actor.id}"]
    assert (deleted.action, deleted.object_label) == ("delete", "Hook")
    assert deleted.changes["price"] == ["5.00", None]


def test_bulk_delete_has_an_entry_for_each(
    client: TestClient, session: Session, actor: User
) -> None:
    items = ItemFactory.create_batch(3)
    client.post("/admin/items-item/delete", data={"pks": [str(item.id) for item in items]})
    assert [change.object_id for change in changes(session)] == [str(item.id) for item in items]


def test_password_is_changed_and_no_more(client: TestClient, session: Session, actor: User) -> None:
    user = UserFactory.create()
    path = f"/admin/users-user/password/{user.id}"
    save(client, path, password="a horse of another colour")
    (change,) = changes(session)
    assert change.changes == {"password": []}
    assert "horse" not in client.get(f"/admin/users-user/history/{user.id}").text


def test_groups_and_permissions_are_named(
    client: TestClient, session: Session, actor: User
) -> None:
    group, user = GroupFactory.create(name="Editors"), UserFactory.create()
    chosen = {"groups": ["", str(group.id)], "permissions": ["", "items.change_item"]}
    save(client, f"/admin/users-user/edit/{user.id}", **chosen)
    assert changes(session)[0].changes == {
        "groups": [[], [f"Editors ({group.id})"]],
        "permissions": [[], ["Change item (items.change_item)"]],
    }


def test_refused_save_leaves_no_entry(client: TestClient, session: Session, actor: User) -> None:
    item = ItemFactory.create()
    form = shown_form(client.get(f"/admin/items-item/edit/{item.id}"))
    response = client.post(f"/admin/items-item/edit/{item.id}", data=form | {"stock": "-1"})
    assert response.status_code == 400
    client.post("/admin/items-item/delete", data={"pks": f"{item.id},{item.id + 1}"})
    client.post("/admin/users-user/delete", data={"pks": str(item.owner_id)})
    assert changes(session) == []


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shop_shelf"

    id: Mapped[BigIntKey]
    name: Mapped[str] = mapped_column(String(20))
    api_token: Mapped[str | None]
    boxes: Mapped[list["Box"]] = relationship(back_populates="shelf")

    def __str__(self) -> str:
        return self.name


class Box(Base):
    __tablename__ = "shop_box"

    id: Mapped[BigIntKey]
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shop_shelf.id"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="boxes", lazy="raise")


class LateShelfAdmin(ModelAdmin, model=Shelf):
    """Its service thinks of something after it has written."""

    def update_row(self, session: Session, row: Shelf, values: Values) -> None:
        super().update_row(session, row, values)
        session.flush()
        raise Conflict("Not on a Sunday.")


class BoxAdmin(ModelAdmin, model=Box):
    pass


@pytest.fixture
def shop(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, LateShelfAdmin, BoxAdmin) as client:
        enter(client, UserFactory.create(superuser=True))
        yield client


def test_what_is_rolled_back_was_never_there(shop: TestClient, session: Session) -> None:
    shop.post("/admin/shop-shelf/create", data={"name": "Left"})
    form = shown_form(shop.get("/admin/shop-shelf/edit/1")) | {"name": "Right"}
    response = shop.post("/admin/shop-shelf/edit/1", data=form)
    assert response.status_code == 409
    assert "Not on a Sunday." in response.text
    assert [change.action for change in changes(session)] == ["add"]
    assert session.scalar(text("SELECT name FROM shop_shelf")) == "Left"


def test_secrets_are_in_no_entry(shop: TestClient, session: Session) -> None:
    session.execute(text("INSERT INTO shop_shelf (name, api_token) VALUES ('Left', 'hush')"))
    session.commit()
    shop.post("/admin/shop-shelf/delete", data={"pks": "1"})
    assert changes(session)[0].changes == {"id": [1, None], "name": ["Left", None]}


def test_default_deletion_orphans_nobody(shop: TestClient, session: Session) -> None:
    """SQLAlchemy would have set the boxes' foreign keys to NULL, and let the shelf go."""
    session.execute(text("INSERT INTO shop_shelf (name) VALUES ('Left')"))
    session.execute(text("INSERT INTO shop_box (shelf_id) VALUES (1)"))
    session.commit()
    assert shop.post("/admin/shop-shelf/delete", data={"pks": "1"}).status_code == 409
    assert session.scalar(text("SELECT shelf_id FROM shop_box")) == 1
    assert shop.post("/admin/shop-box/delete", data={"pks": "1"}).status_code == 303
    assert changes(session)[0].changes == {"id": [1, None], "shelf": ["Left #1", None]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.50"), "1.50"),
        (float("nan"), "nan"),
        ({"a": (1, "b\0")}, {"a": [1, "b�"]}),
        ("\ud800", "?"),
        (frozenset({2, 1}), [1, 2]),
        (b"", "0 bytes, SHA-256 E3B0C44298FC1C14…"),
        (None, None),
        (False, False),
    ],
)
def test_values_as_json_has_them(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_long_values_are_cut() -> None:
    long, longer = plain("x" * (LONGEST + 1)), plain("x" * (LONGEST + 1) + "y")
    assert long != longer
    assert len(long) < LONGEST + 100
    assert "10,001 characters" in long

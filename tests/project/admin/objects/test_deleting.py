"""Deleting says what goes with it, obeys the database's rules, and is all or nothing."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import ForeignKey, ForeignKeyConstraint, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from apps.audit.models import Change
from project.admin.views import ModelAdmin
from project.db.base import BigIntKey
from project.runtime import Runtime
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.support import enter
from tests.project.admin.workshop import workshop


class Base(DeclarativeBase):
    pass


def key(target: str, rule: str | None) -> ForeignKey:
    return ForeignKey(f"shop_{target}.id", ondelete=rule)


class Shelf(Base):
    __tablename__ = "shop_shelf"
    id: Mapped[BigIntKey]
    above_id: Mapped[int | None] = mapped_column(key("shelf", None))
    boxes: Mapped[list["Box"]] = relationship()


class Box(Base):
    """Goes with its shelf."""

    __tablename__ = "shop_box"
    id: Mapped[BigIntKey]
    shelf_id: Mapped[int] = mapped_column(key("shelf", "CASCADE"))
    name: Mapped[str] = mapped_column(String(20), default="Box")

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class SmallThing(Base):
    """Goes with its box; may lie on a shelf itself."""

    __tablename__ = "shop_small_thing"
    id: Mapped[BigIntKey]
    box_id: Mapped[int] = mapped_column(key("box", "CASCADE"))
    shelf_id: Mapped[int | None] = mapped_column(key("shelf", None))


class Tag(Base):
    """Goes with its shelf, and would forbid to take away its box alone."""

    __tablename__ = "shop_tag"
    id: Mapped[BigIntKey]
    shelf_id: Mapped[int] = mapped_column(key("shelf", "CASCADE"))
    box_id: Mapped[int] = mapped_column(key("box", None))


class Label(Base):
    __tablename__ = "shop_label"
    id: Mapped[BigIntKey]
    shelf_id: Mapped[int | None] = mapped_column(key("shelf", "SET NULL"))


class Lease(Base):
    __tablename__ = "shop_lease"
    id: Mapped[BigIntKey]
    box_id: Mapped[int] = mapped_column(key("box", "RESTRICT"))


class Place(Base):
    """Has a key of two columns."""

    __tablename__ = "shop_place"
    row: Mapped[int] = mapped_column(primary_key=True)
    seat: Mapped[int] = mapped_column(primary_key=True)


class Ticket(Base):
    __tablename__ = "shop_ticket"
    __table_args__ = (ForeignKeyConstraint(["row", "seat"], ["shop_place.row", "shop_place.seat"]),)
    id: Mapped[BigIntKey]
    row: Mapped[int]
    seat: Mapped[int]


class ShelfAdmin(ModelAdmin, model=Shelf):
    pass


class BoxAdmin(ModelAdmin, model=Box):
    name, name_plural = "Crate", "Crates"


class PlaceAdmin(ModelAdmin, model=Place):
    pass


@pytest.fixture
def shop(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    views = (ShelfAdmin, BoxAdmin, PlaceAdmin)
    with workshop(runtime, session, Base.metadata, *views) as client:
        enter(client, UserFactory.create(superuser=True))
        yield client


def execute(session: Session, *statements: str) -> None:
    for statement in statements:
        session.execute(text(statement))
    session.commit()


def dependants(page: str) -> list[str]:
    found = re.findall(r'<li class="dependant [^"]*">\s*<p>(.*?)</p>', page, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", line) for line in found]


SHELVES = "INSERT INTO shop_shelf (above_id) VALUES (NULL), (NULL)"
BOXES = "INSERT INTO shop_box (shelf_id, name) SELECT 1, 'Box' FROM generate_series(1, 7)"


def test_every_rule_of_the_database(shop: TestClient, session: Session) -> None:
    execute(
        session,
        SHELVES,
        BOXES,
        "INSERT INTO shop_small_thing (box_id) SELECT 1 FROM generate_series(1, 1001)",
        "INSERT INTO shop_label (shelf_id) VALUES (1), (2)",
    )
    page = shop.get("/admin/shop-shelf/delete?pks=1").text
    assert dependants(page) == [
        "Crates (shelf id): 7, will be deleted, too.",
        "Labels (shelf id): 1, will lose the reference.",
        "Small things (box id, of what goes with it): more than 1,000, will be deleted, too.",
    ]
    assert ">Box 5</a>" in page
    assert ">Box 6</a>" not in page
    assert "and others" in page
    assert ">Delete</button>" in page
    assert shop.post("/admin/shop-shelf/delete", data={"pks": "1"}).status_code == 303
    left = "SELECT (SELECT count(*) FROM shop_box) + (SELECT count(*) FROM shop_small_thing)"
    assert session.scalar(text(left)) == 0


def test_what_forbids_takes_the_button_away(shop: TestClient, session: Session) -> None:
    execute(session, SHELVES, BOXES, "INSERT INTO shop_lease (box_id) VALUES (3)")
    page = shop.get("/admin/shop-shelf/delete?pks=1").text
    assert "Leases (box id, of what goes with it): 1, which forbids it." in dependants(page)
    assert ">Delete</button>" not in page
    response = shop.post("/admin/shop-shelf/delete", data={"pks": "1"})
    assert response.status_code == 409
    assert session.scalar(text("SELECT count(*) FROM shop_box")) == 7


def test_what_goes_anyway_does_not_forbid(shop: TestClient, session: Session) -> None:
    """NO ACTION is asked when the chosen rows, and what they took along before, are gone."""
    execute(
        session,
        SHELVES,
        BOXES,
        "UPDATE shop_shelf SET above_id = 1 WHERE id = 2",
        "INSERT INTO shop_tag (shelf_id, box_id) VALUES (1, 1)",
    )
    assert "Tags (box id): 1, which forbids it." in dependants(
        shop.get("/admin/shop-box/delete?pks=1").text
    )
    assert "Shelfs (above id): 1, which forbids it." in dependants(
        shop.get("/admin/shop-shelf/delete?pks=1").text
    )
    both = shop.get("/admin/shop-shelf/delete?pks=1&pks=2").text
    assert ">Delete</button>" in both
    response = shop.post("/admin/shop-shelf/delete", data={"pks": ["2", "1"]})
    assert response.status_code == 303, response.text


def test_a_level_too_late_forbids(shop: TestClient, session: Session) -> None:
    """The thing would go with its box, but PostgreSQL asks about its shelf before that."""
    thing = "INSERT INTO shop_small_thing (box_id, shelf_id) VALUES (1, 1)"
    execute(session, SHELVES, BOXES, thing)
    page = shop.get("/admin/shop-shelf/delete?pks=1").text
    assert "Small things (shelf id): 1, which forbids it." in dependants(page)
    assert shop.post("/admin/shop-shelf/delete", data={"pks": "1"}).status_code == 409


def test_keys_of_several_columns(shop: TestClient, session: Session) -> None:
    execute(
        session,
        "INSERT INTO shop_place VALUES (1, 1), (1, 2)",
        "INSERT INTO shop_ticket (row, seat) VALUES (1, 2)",
    )
    assert dependants(shop.get("/admin/shop-place/delete?pks=1%3B1").text) == []
    page = shop.get("/admin/shop-place/delete?pks=1%3B2").text
    assert dependants(page) == ["Tickets (row, seat): 1, which forbids it."]
    assert shop.post("/admin/shop-place/delete", data={"pks": ["1;1", "1;2"]}).status_code == 409
    assert shop.post("/admin/shop-place/delete", data={"pks": ["1;1"]}).status_code == 303
    assert session.query(Change).count() == 1


def test_nobody_is_named_to_who_may_not_see_them(client: TestClient, session: Session) -> None:
    clerk = grant(UserFactory.create(staff=True), "users.delete_user", "users.view_user")
    enter(client, clerk)
    item = ItemFactory.create(name="Hidden table")
    page = client.get(f"/admin/users-user/delete?pks={item.owner_id}").text
    assert dependants(page) == ["Items (owner id): 1, which forbids it."]
    assert "Hidden table" not in page
    grant(clerk, "items.view_item")
    page = client.get(f"/admin/users-user/delete?pks={item.owner_id}").text
    assert "Hidden table" in page


def test_deletion_in_bulk_costs_few_statements(
    client: TestClient, session: Session, statements: list[str]
) -> None:
    enter(client, UserFactory.create(superuser=True))
    items = ItemFactory.create_batch(20)
    query = "&".join(f"pks={item.id}" for item in items)
    statements.clear()
    assert client.get(f"/admin/items-item/delete?{query}").status_code == 200
    assert len(statements) <= 10

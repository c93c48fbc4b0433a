"""Rows that belong to a row, in its own form: all of it is saved, or none."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Select,
    String,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry, relationship

from project.admin.objects.inline import MOST_ROWS, Inline
from project.admin.views import ModelAdmin, Values
from project.db.base import BigIntKey
from project.errors import AppError, Invalid
from project.runtime import Runtime
from project.web.principal import Principal
from tests.project.admin.support import shown_form, sign_in
from tests.project.admin.workshop import workshop


class Base(DeclarativeBase):
    registry = registry()


class Shelf(Base):
    __tablename__ = "shop_shelf"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    room: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))

    def __str__(self) -> str:
        return self.name


class Box(Base):
    __tablename__ = "shop_box"
    __table_args__ = (
        ForeignKeyConstraint(["shelf_id", "room"], ["shop_shelf.id", "shop_shelf.room"]),
        UniqueConstraint("shelf_id", "name"),
        CheckConstraint("weight < 1000", name="weight_bearable"),
    )

    id: Mapped[BigIntKey]
    shelf_id: Mapped[uuid.UUID]
    room: Mapped[int]
    name: Mapped[str] = mapped_column(String(20))
    weight: Mapped[int | None]
    packed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    is_full: Mapped[bool] = mapped_column(default=False)
    is_hidden: Mapped[bool] = mapped_column(default=False)
    friend_id: Mapped[int | None] = mapped_column(ForeignKey("shop_box.id"))
    friend: Mapped["Box | None"] = relationship(remote_side="Box.id", lazy="raise")

    def __str__(self) -> str:
        return self.name


class TooHeavy(Invalid):
    code = "too_heavy"
    title = "Nobody can lift this"
    field = "weight"


class BoxInline(Inline, model=Box):
    extra = 2
    form_columns = (Box.name, Box.weight, Box.packed_at, Box.is_full, "friend")
    readonly_fields = ("shout",)
    max_num = MOST_ROWS

    def shout(self, row: Box) -> str:
        return row.name.upper()

    def rows_for(self, principal: Principal, statement: Select[Any]) -> Select[Any]:  # noqa: ARG002 - the rule is the same for all
        return statement.where(~Box.is_hidden)

    def update_row(self, session: Session, row: Box, values: Values) -> None:
        if values.get("weight") == 999:
            raise TooHeavy
        super().update_row(session, row, values)


class ShelfAdmin(ModelAdmin, model=Shelf):
    form_columns = (Shelf.room, Shelf.name)
    form_include_pk = True
    inlines = (BoxInline,)
    save_as: ClassVar = True


@pytest.fixture
def client(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, ShelfAdmin) as client:
        sign_in(client)
        yield client


@pytest.fixture
def shelf(client: TestClient, session: Session) -> Shelf:
    shelf = Shelf(room=3, name="Attic")
    session.add(shelf)
    session.commit()
    return shelf


PACKED = datetime(2026, 11, 22, 22, 3, 38, 977767, UTC)


def pack(session: Session, shelf: Shelf, *names: str, **values: Any) -> list[Box]:
    boxes = [Box(shelf_id=shelf.id, room=3, name=name, **values) for name in names]
    session.add_all(boxes)
    session.commit()
    return boxes


def address_of(shelf: Shelf) -> str:
    return f"/admin/shop-shelf/edit/{shelf.id};{shelf.room}"


def names(session: Session) -> list[str]:
    return list(session.scalars(select(Box.name).order_by(Box.id)))


def test_rows_are_added_changed_and_deleted_at_once(
    client: TestClient, session: Session, shelf: Shelf
) -> None:
    pack(session, shelf, "books", "tools", packed_at=PACKED)
    page = client.get(address_of(shelf))
    assert "BOOKS" in page.text
    form = shown_form(page)
    form |= {"shop_box-0-name": "novels", "shop_box-1-_delete": "y", "shop_box-2-name": "tools"}
    response = client.post(address_of(shelf), data=form)
    assert response.status_code == 303, response.text
    assert names(session) == ["novels", "tools"]
    kept = session.scalars(select(Box).where(Box.name == "novels")).one()
    assert kept.packed_at == PACKED, "what nobody touched is what it was"


def test_saving_what_nobody_touched_writes_nothing(
    client: TestClient, session: Session, shelf: Shelf, statements: list[str]
) -> None:
    pack(session, shelf, "books", packed_at=PACKED)
    form = shown_form(client.get(address_of(shelf)))
    statements.clear()
    assert client.post(address_of(shelf), data=form).status_code == 303
    assert not [s for s in statements if s.startswith(("UPDATE shop", "INSERT INTO shop"))]


def test_rows_of_a_row_that_is_gone(client: TestClient, session: Session, shelf: Shelf) -> None:
    """Nothing is saved; what was typed stands on the page as a new row with rows of its own."""
    (books,) = pack(session, shelf, "books")
    form = shown_form(client.get(address_of(shelf)))
    address = address_of(shelf)
    session.delete(books)
    session.delete(shelf)
    session.commit()
    typed = {"name": "Loft", "shop_box-0-name": "novels", "shop_box-1-name": "tools"}
    page = client.post(address, data=form | typed)
    assert page.status_code == 404
    assert names(session) == []
    assert session.scalars(select(Shelf)).all() == []
    sent = shown_form(page)
    assert (sent["shop_box-0-name"], sent["shop_box-1-name"]) == ("novels", "tools")
    assert client.get(address).status_code == 404
    assert client.post("/admin/shop-shelf/create", data=sent | {"room": "3"}).status_code == 303
    assert names(session) == ["novels", "tools"]


def test_new_row_with_rows_of_its_own(client: TestClient, session: Session) -> None:
    form = shown_form(client.get("/admin/shop-shelf/create"))
    form |= {"room": "3", "name": "Cellar", "shop_box-1-name": "wine"}
    assert client.post("/admin/shop-shelf/create", data=form).status_code == 303
    shelf, box = session.scalars(select(Shelf)).one(), session.scalars(select(Box)).one()
    assert (box.shelf_id, box.room, box.name) == (shelf.id, shelf.room, "wine")


@pytest.mark.parametrize(
    ("field", "value", "status", "place"),
    [
        ("2-weight", "5", 400, "2-name"),  # a new row without its name
        ("0-weight", "many", 400, "0-weight"),
        ("0-weight", "5000", 400, "0-weight"),  # the database's rule
        ("0-weight", "999", 422, "0-weight"),  # the app's
        ("0-name", "tools", 409, "0-row"),
        ("0-friend", "nobody", 422, "0-friend"),
    ],
)
def test_one_mistake_saves_nothing(
    client: TestClient, session: Session, *, field: str, value: str, status: int, place: str
) -> None:
    shelf = Shelf(room=3, name="Attic")
    session.add(shelf)
    session.commit()
    pack(session, shelf, "books", "tools")
    form = shown_form(client.get(address_of(shelf)))
    form |= {"name": "Other", f"shop_box-{field}": value, "shop_box-3-name": "toys"}
    response = client.post(address_of(shelf), data=form)
    assert response.status_code == status
    assert f'id="wrong-shop_box-{place}"' in response.text
    assert shown_form(response)[f"shop_box-{field}"] == value
    session.expire_all()
    assert (names(session), shelf.name) == (["books", "tools"], "Attic")


def test_row_that_somebody_else_changed(client: TestClient, session: Session, shelf: Shelf) -> None:
    (box,) = pack(session, shelf, "books")
    form = shown_form(client.get(address_of(shelf))) | {"shop_box-0-name": "mine"}
    box.name = "theirs"
    session.commit()
    page = client.post(address_of(shelf), data=form)
    assert page.status_code == 409
    assert "Somebody else wrote: theirs." in page.text
    assert names(session) == ["theirs"]
    assert client.post(address_of(shelf), data=shown_form(page)).status_code == 303
    assert names(session) == ["mine"]


def test_row_that_changed_is_not_deleted_unseen(
    client: TestClient, session: Session, shelf: Shelf
) -> None:
    (box,) = pack(session, shelf, "books")
    form = shown_form(client.get(address_of(shelf))) | {"shop_box-0-_delete": "y"}
    box.name = "theirs"
    session.commit()
    assert client.post(address_of(shelf), data=form).status_code == 409
    assert names(session) == ["theirs"]


@pytest.mark.parametrize(("mark", "status"), [({}, 409), ({"shop_box-0-_delete": "y"}, 303)])
def test_row_that_is_gone(
    client: TestClient, session: Session, shelf: Shelf, mark: dict[str, str], status: int
) -> None:
    (box,) = pack(session, shelf, "books")
    form = shown_form(client.get(address_of(shelf))) | mark
    session.delete(box)
    session.commit()
    response = client.post(address_of(shelf), data=form)
    assert response.status_code == (status if status == 303 else 400)


def test_rows_of_others_are_out_of_reach(
    client: TestClient, session: Session, shelf: Shelf
) -> None:
    other = Shelf(room=3, name="Other")
    session.add(other)
    session.commit()
    foreign = pack(session, other, "foreign") + pack(session, shelf, "unseen", is_hidden=True)
    assert "unseen" not in client.get(address_of(shelf)).text
    for box in foreign:
        form = {"shop_box-0-_pk": str(box.id), "shop_box-0-_delete": "y", "shop_box-0-name": "x"}
        client.post(address_of(shelf), data=form)
    assert names(session) == ["foreign", "unseen"]


def test_saved_as_new_with_its_rows(client: TestClient, session: Session, shelf: Shelf) -> None:
    pack(session, shelf, "books", "tools", packed_at=PACKED)
    form = shown_form(client.get(address_of(shelf)))
    form |= {"name": "Copy", "shop_box-0-name": "novels", "shop_box-1-_delete": "y"}
    form["save"] = "Save as new"
    response = client.post(address_of(shelf), data=form)
    assert response.status_code == 303, response.text
    new = session.scalars(select(Shelf).where(Shelf.name == "Copy")).one()
    assert f"/edit/{new.id};3" in response.headers["location"]
    assert names(session) == ["books", "tools", "novels"]
    copy = session.scalars(select(Box).where(Box.name == "novels")).one()
    assert (copy.packed_at, copy.shelf_id) == (PACKED, new.id)


def test_more_rows_than_a_page_shows(client: TestClient, session: Session, shelf: Shelf) -> None:
    pack(session, shelf, *(f"box {n}" for n in range(MOST_ROWS)))
    assert f'name="shop_box-{MOST_ROWS - 1}-name"' in client.get(address_of(shelf)).text
    pack(session, shelf, "one more")
    page = client.get(address_of(shelf))
    assert "more than this page can show" in page.text
    assert client.post(address_of(shelf), data=shown_form(page)).status_code == 303
    assert session.scalar(select(func.count()).select_from(Box)) == MOST_ROWS + 1


@pytest.mark.parametrize(
    "forged",
    [
        {"shop_box-0-_pk": "x;y;z"},
        {"shop_box-0-_pk": "9" * 40},
        {"shop_box-9999-name": "a\0b"},
        {"shop_box-0-weight": "9" * 400},
        {"shop_box-0-packed_at": "99999-01-01T00:00"},
        {"shop_box-0-friend": "\0"},
        {"shop_box-٣-name": "x"},
        {"shop_box--1-name": "x", "shop_box-0-room": "1", "shop_box-0-shelf_id": "x"},
    ],
)
def test_hostile_rows(
    client: TestClient, session: Session, shelf: Shelf, forged: dict[str, str]
) -> None:
    response = client.post(address_of(shelf), data=forged)
    assert response.status_code in {303, 400, 409, 422}
    assert names(session) == []


def test_lookup_of_a_field_in_a_row(client: TestClient, session: Session, shelf: Shelf) -> None:
    (box,) = pack(session, shelf, "books")
    path = "/admin/shop-shelf/ajax/lookup?term="
    found = client.get(f"{path}{box.id}&name=shop_box.friend")
    assert found.json() == {"results": [f"books #{box.id}"]}
    for name in ("shop_box.nothing", "nothing.friend", "shop_box.room", "..", "shop_box."):
        assert client.get(f"{path}&name={name}").status_code == 404


class Only(BoxInline, model=Box):
    can_create = can_edit = can_delete = False


class Readers(ModelAdmin, model=Shelf):
    inlines = (Only,)


def test_nothing_is_written_where_nothing_is_offered(runtime: Runtime, session: Session) -> None:
    with workshop(runtime, session, Base.metadata, Readers) as client:
        sign_in(client)
        shelf = Shelf(room=3, name="Attic")
        session.add(shelf)
        session.commit()
        (box,) = pack(session, shelf, "books")
        page = client.get(address_of(shelf))
        assert "BOOKS" in page.text
        assert "shop_box-0" not in page.text
        forged = {"shop_box-0-_pk": str(box.id), "shop_box-0-_delete": "y"}
        forged |= {"shop_box-0-name": "x", "shop_box-1-name": "y"}
        assert client.post(address_of(shelf), data=forged).status_code == 303
        assert names(session) == ["books"]
        assert "BOOKS" in client.get(address_of(shelf).replace("edit", "details")).text
        assert client.get("/admin/shop-shelf/ajax/lookup?name=shop_box.friend").status_code == 403


@pytest.mark.parametrize(
    ("inlines", "sentence"),
    [
        ((BoxInline, BoxInline), "two inlines of shop_box"),
        ((ShelfAdmin,), "is no Inline"),
    ],
)
def test_wrong_inlines_end_the_start(
    runtime: Runtime, session: Session, inlines: tuple[Any, ...], sentence: str
) -> None:
    make: Any = type(ModelAdmin)
    view = make("Wrong", (ModelAdmin,), {"inlines": inlines}, model=Shelf)
    with pytest.raises(AppError, match=sentence), workshop(runtime, session, Base.metadata, view):
        pass


class ShelfInline(Inline, model=Shelf):
    pass


class Stranger(ModelAdmin, model=Box):
    inlines = (ShelfInline,)


def test_inline_of_a_stranger_ends_the_start(runtime: Runtime, session: Session) -> None:
    with (
        pytest.raises(AppError, match="no foreign key leads to shop_box; say fk_name"),
        workshop(runtime, session, Base.metadata, Stranger),
    ):
        pass

"""Rows of an inline obey the hooks of their model's own view, and their parent's history tells."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import ForeignKey, Select, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

from project.admin.objects.inline import Inline
from project.admin.views import ModelAdmin, Values
from project.db.base import BigIntKey
from project.errors import Forbidden
from project.runtime import Runtime
from project.web.principal import Principal
from tests.project.admin.support import shown_form, sign_in
from tests.project.admin.workshop import workshop


class Base(DeclarativeBase):
    registry = registry()


class Shelf(Base):
    __tablename__ = "shop_shelf"
    id: Mapped[BigIntKey]
    name: Mapped[str] = mapped_column(String(50))

    def __str__(self) -> str:
        return self.name


class Box(Base):
    __tablename__ = "shop_box"
    id: Mapped[BigIntKey]
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shop_shelf.id"))
    name: Mapped[str] = mapped_column(String(20))
    weight: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(String(50), default="")

    def __str__(self) -> str:
        return self.name


class Locked(Forbidden):
    code = "locked"
    title = "This box is locked"


class BoxAdmin(ModelAdmin, model=Box):
    name_plural = "Boxes"

    def permits(self, principal: Principal, action: str) -> bool:
        return action != "delete" and super().permits(principal, action)

    def rows_for(self, principal: Principal, statement: Select[Any]) -> Select[Any]:  # noqa: ARG002 - for all
        return statement.where(Box.name != "hidden")

    def authorise(
        self, session: Session, principal: Principal, action: str, row: Any, values: Values
    ) -> None:
        super().authorise(session, principal, action, row, values)
        if values.get("weight") == 13:
            raise Locked

    async def prepare_values(self, runtime: Runtime, values: Values) -> None:
        assert runtime is self.runtime
        values["note"] = "prepared"

    def create_row(self, session: Session, values: Values) -> Any:
        row = super().create_row(session, values)
        row.note += ", made by the service"
        return row

    def update_row(self, session: Session, row: Any, values: Values) -> None:
        super().update_row(session, row, values)
        row.note += ", changed by the service"


class BoxInline(Inline, model=Box):
    name_plural = "Boxes"
    form_columns = (Box.name, Box.weight)


class ShelfAdmin(ModelAdmin, model=Shelf):
    form_columns = (Shelf.name,)
    inlines = (BoxInline,)


class PlainBoxAdmin(ModelAdmin, model=Box):
    can_create = can_delete = False  # by itself: that is done on its shelf


EDIT = "/admin/shop-shelf/edit/1"


def serve(runtime: Runtime, session: Session, *views: type[ModelAdmin]) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, *views) as client:
        sign_in(client)
        session.add(Shelf(name="Attic"))
        session.flush()
        session.add_all(Box(shelf_id=1, name=name) for name in ("books", "hidden"))
        session.commit()
        yield client


@pytest.fixture
def shop(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    yield from serve(runtime, session, ShelfAdmin, BoxAdmin)


@pytest.fixture
def plain_shop(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    yield from serve(runtime, session, ShelfAdmin, PlainBoxAdmin)


def notes(session: Session) -> dict[str, str]:
    session.expire_all()
    return {box.name: box.note for box in session.scalars(select(Box))}


def test_service_of_the_view_writes(shop: TestClient, session: Session) -> None:
    form = shown_form(shop.get(EDIT))
    form |= {"shop_box-0-weight": "5", "shop_box-1-name": "toys", "shop_box-1-weight": "1"}
    assert shop.post(EDIT, data=form).status_code == 303
    assert notes(session) == {
        "books": "prepared, changed by the service",
        "toys": "prepared, made by the service",
        "hidden": "",
    }


def test_rule_of_the_view_hides(shop: TestClient, session: Session) -> None:
    assert 'value="books"' in shop.get(EDIT).text
    assert "hidden" not in re.findall(r'value="(\w+)"', shop.get(EDIT).text)


@pytest.mark.parametrize("number", [0, 1])
def test_view_refuses_at_the_row(shop: TestClient, session: Session, number: int) -> None:
    form = shown_form(shop.get(EDIT))
    form |= {f"shop_box-{number}-name": "odd", f"shop_box-{number}-weight": "13"}
    answer = shop.post(EDIT, data=form)
    assert answer.status_code == 403
    assert "This box is locked." in answer.text
    assert set(notes(session)) == {"books", "hidden"}


def test_permission_of_the_view(shop: TestClient, session: Session) -> None:
    page = shop.get(EDIT)
    assert "shop_box-0-_delete" not in page.text
    assert shop.post(EDIT, data=shown_form(page) | {"shop_box-0-_delete": "y"}).status_code == 303
    assert "books" in notes(session)


def test_parents_history_tells_of_its_rows(plain_shop: TestClient, session: Session) -> None:
    form = shown_form(plain_shop.get(EDIT))
    form |= {"shop_box-0-weight": "5", "shop_box-1-_delete": "y", "shop_box-2-name": "toys"}
    form["shop_box-2-weight"] = "1"
    assert plain_shop.post(EDIT, data=form).status_code == 303
    page = plain_shop.get(EDIT.replace("edit", "history")).text
    assert "<dt>Boxes</dt>" in page
    gone = re.findall(r"<del>.*?</span>(.*?)</del>", page)
    come = re.findall(r"<ins>.*?</span>(.*?)</ins>", page)
    assert (gone, come) == (["hidden", "books (weight 0)"], ["books (weight 5)", "toys"])
    form = shown_form(plain_shop.get(EDIT))
    assert plain_shop.post(EDIT, data=form).status_code == 303
    page = plain_shop.get(EDIT.replace("edit", "history")).text
    assert page.count('class="card event"') == 1, "what changes nothing leaves no trace"

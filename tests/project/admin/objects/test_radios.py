"""`radio_fields`: few choices as radio buttons; and names that are wrong end the start."""

import enum
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Enum, MetaData, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from project.admin.views import ModelAdmin
from project.db.base import NAMING_CONVENTION, BigIntKey
from project.errors import AppError
from project.runtime import Runtime
from tests.factories.users import UserFactory
from tests.project.admin.support import enter, shown_form
from tests.project.admin.workshop import workshop

LABELS = {"red": "Bright red", "blue": "Deep blue"}


class Size(enum.Enum):
    small = 1
    large = 2


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Shirt(Base):
    __tablename__ = "shop_shirt"
    id: Mapped[BigIntKey]
    name: Mapped[str] = mapped_column(String(20), default="")
    size: Mapped[Size] = mapped_column(Enum(Size, native_enum=False))
    colour: Mapped[str | None] = mapped_column(String(10))
    is_new: Mapped[bool | None]


class ShirtAdmin(ModelAdmin, model=Shirt):
    form_columns = (Shirt.size, Shirt.colour, Shirt.is_new, Shirt.name)
    column_choices: ClassVar = {"colour": LABELS}
    radio_fields = (Shirt.size, "colour", Shirt.is_new)


@pytest.fixture
def shop(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, ShirtAdmin) as client:
        enter(client, UserFactory.create(superuser=True))
        yield client


def test_choices_are_radio_buttons(shop: TestClient, session: Session) -> None:
    path = "/admin/shop-shirt/create"
    page = shop.get(path)
    buttons = re.findall(r'<input[^>]* type="radio"[^>]* value="(\w+)"', page.text)
    assert buttons == ["small", "large", "__None", "red", "blue", "__None", "True", "False"]
    assert "Deep blue" in page.text
    assert shop.post(path, data={"name": "x", "colour": "green"}).status_code == 400
    sent = {"name": "x", "size": "large", "colour": "blue", "is_new": "False"}
    assert shop.post(path, data=sent).status_code == 303
    shirt = session.scalars(select(Shirt)).one()
    assert (shirt.size, shirt.colour, shirt.is_new) == (Size.large, "blue", False)
    address = f"/admin/shop-shirt/edit/{shirt.id}"
    form = shown_form(shop.get(address))
    assert (form["size"], form["colour"], form["is_new"]) == ("large", "blue", "False")
    assert shop.post(address, data=form | {"colour": "__None"}).status_code == 303
    session.expire_all()
    assert shirt.colour is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"radio_fields": ("name",)}, "radio_fields names 'name'"),
        ({"radio_fields": ("nothing",)}, "radio_fields names 'nothing'"),
        ({"readonly_fields": ("nothing",)}, "readonly_fields names 'nothing'"),
        ({"radio_field": ("size",)}, "has no option 'radio_field'"),
        ({"adapt_forms": lambda *_: None}, "has no option 'adapt_forms'"),
    ],
)
def test_wrong_names_end_the_start(
    runtime: Runtime, session: Session, options: dict[str, Any], sentence: str
) -> None:
    make: Any = type(ShirtAdmin)
    view = make("Wrong", (ShirtAdmin,), {**options, "__module__": __name__})
    with (
        pytest.raises(AppError, match=re.escape(sentence)) as caught,
        workshop(runtime, session, Base.metadata, view),
    ):
        pass
    assert "\n" not in str(caught.value)

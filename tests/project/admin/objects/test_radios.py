"""`radio_fields`: few choices as radio buttons; and names that are wrong end the start."""

import enum
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Enum, ForeignKey, MetaData, Select, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from apps.items.models import Item
from project.admin.objects.inline import Inline
from project.admin.radios import MOST
from project.admin.views import ModelAdmin
from project.db.base import NAMING_CONVENTION, BigIntKey
from project.errors import AppError
from project.runtime import Runtime
from project.web.principal import Principal
from tests.factories.users import UserFactory, grant
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


class Maker(Base):
    __tablename__ = "shop_maker"
    id: Mapped[BigIntKey]
    name: Mapped[str] = mapped_column(String(20))

    def __str__(self) -> str:
        return self.name


class Coat(Base):
    __tablename__ = "shop_coat"
    id: Mapped[BigIntKey]
    name: Mapped[str] = mapped_column(String(20), default="")
    maker_id: Mapped[int] = mapped_column(ForeignKey("shop_maker.id"))
    lining_id: Mapped[int | None] = mapped_column(ForeignKey("shop_maker.id"))
    maker: Mapped[Maker] = relationship(foreign_keys=maker_id, lazy="raise")
    lining: Mapped[Maker | None] = relationship(foreign_keys=lining_id, lazy="raise")


class MakerAdmin(ModelAdmin, model=Maker):
    column_list = (Maker.name,)

    def rows_for(self, principal: Principal, statement: Select[Any]) -> Select[Any]:  # noqa: ARG002 - the same for all
        return statement.where(Maker.name != "Secret")


class CoatAdmin(ModelAdmin, model=Coat):
    form_columns = ("maker", "lining", Coat.name)
    radio_fields = (Coat.maker, "lining")
    form_ajax_refs: ClassVar = {
        name: {"fields": ("name",), "order_by": "name"} for name in ("maker", "lining")
    }


class CoatInline(Inline, model=Coat):
    fk_name = "maker_id"
    radio_fields = ("lining",)


class ShirtAdmin(ModelAdmin, model=Shirt):
    form_columns = (Shirt.size, Shirt.colour, Shirt.is_new, Shirt.name)
    column_choices: ClassVar = {"colour": LABELS}
    radio_fields = (Shirt.size, "colour", Shirt.is_new)


@pytest.fixture
def shop(runtime: Runtime, session: Session) -> Iterator[TestClient]:
    with workshop(runtime, session, Base.metadata, ShirtAdmin, CoatAdmin, MakerAdmin) as client:
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


COATS = "/admin/shop-coat"
BUTTON = r'<input[^>]* name="(\w+)"[^>]* type="radio"[^>]* value="([^"]*)"'


def make(session: Session, *names: str) -> list[Maker]:
    makers = [Maker(name=name) for name in names]
    session.add_all(makers)
    session.commit()
    return makers


def test_rows_of_a_small_table_are_radio_buttons(shop: TestClient, session: Session) -> None:
    wool, yes, _ = make(session, "Wool", "Yes", "Secret")
    page = shop.get(f"{COATS}/create", headers={"Accept-Language": "de"})
    named = [f"Wool #{wool.id}", f"Yes #{yes.id}"]
    offered = [("maker", value) for value in named] + [("lining", v) for v in ["", *named]]
    assert re.findall(BUTTON, page.text) == offered
    assert "<span>Yes</span>" in page.text, "a name is no word of ours"
    assert "datalist" not in page.text
    refused = shop.post(f"{COATS}/create", data={"lining": named[0]})
    assert refused.status_code == 400
    assert 'href="#maker-group"' in refused.text
    response = shop.post(f"{COATS}/create", data={"maker": named[0], "lining": named[1]})
    assert response.status_code == 303
    coat = session.scalars(select(Coat)).one()
    assert (coat.maker_id, coat.lining_id) == (wool.id, yes.id)
    address = f"{COATS}/edit/{coat.id}"
    form = shown_form(shop.get(address))
    assert (form["maker"], form["lining"]) == (named[0], named[1])
    assert shop.post(address, data=form | {"maker": named[1], "lining": ""}).status_code == 303
    session.refresh(coat)
    assert (coat.maker_id, coat.lining_id) == (yes.id, None)


def test_a_row_that_one_cannot_see_stays_and_is_not_chosen(
    shop: TestClient, session: Session
) -> None:
    wool, secret = make(session, "Wool", "Secret")
    coat = Coat(maker_id=secret.id, name="Old")
    session.add(coat)
    session.commit()
    address = f"{COATS}/edit/{coat.id}"
    form = shown_form(shop.get(address))
    assert shop.post(address, data=form | {"name": "New"}).status_code == 303
    session.refresh(coat)
    assert (coat.maker_id, coat.name) == (secret.id, "New")
    sent = {"maker": f"Wool #{wool.id}", "lining": f"Secret #{secret.id}"}
    response = shop.post(f"{COATS}/create", data=sent)
    assert response.status_code == 422
    assert "There is nothing with this id or name." in response.text


def test_relations_stand_where_their_keys_do(shop: TestClient, session: Session) -> None:
    """Where a view says nothing, pages follow the table; no key is shown beside its row."""
    (wool,) = make(session, "Wool")
    session.add(Coat(maker_id=wool.id))
    session.commit()
    page = shop.get(f"{COATS}/details/1").text
    labels = re.findall(r"<dt[^>]*>(.*?)</dt>", page)
    assert labels == ["ID", "Name", "Maker", "Lining"]


def test_many_rows_are_typed_in(shop: TestClient, session: Session) -> None:
    make(session, *(f"Maker {number}" for number in range(MOST + 1)))
    page = shop.get(f"{COATS}/create")
    assert "radio" not in page.text
    assert page.text.count("<datalist") == 2
    assert "start typing to search" in page.text


def test_rows_are_named_only_to_who_may_see_them(runtime: Runtime, session: Session) -> None:
    class Owned(ModelAdmin, model=Item):
        form_columns = ("name", "owner")
        radio_fields = ("owner",)
        form_ajax_refs: ClassVar = {"owner": {"fields": ("email",), "order_by": "email"}}

    keeper = grant(UserFactory.create(staff=True), "items.view_item", "items.add_item")
    with workshop(runtime, session, MetaData(), Owned) as client:
        enter(client, keeper)
        assert "radio" not in client.get("/admin/shop-item/create").text
        grant(keeper, "users.view_user")
        assert f'value="{keeper.email} #{keeper.id}"' in client.get("/admin/shop-item/create").text


def test_a_row_of_an_inline_types_its_relations(runtime: Runtime, session: Session) -> None:
    class WithCoats(MakerAdmin, model=Maker):
        inlines = (CoatInline,)

    with (
        pytest.raises(AppError, match="radio_fields names 'lining', which is a relation"),
        workshop(runtime, session, Base.metadata, WithCoats),
    ):
        pass


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

"""What apps may declare, and what the forms make of their columns."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from sqladmin import ModelView, action
from sqlalchemy import DateTime, Float, ForeignKey, Numeric, SmallInteger, String
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry, relationship
from starlette.datastructures import FormData
from starlette.requests import Request

from project.admin import writing
from project.admin.declaring import adopt
from project.admin.forms import ReferenceField
from project.admin.views import ModelAdmin
from project.errors import AppError


class Base(DeclarativeBase):
    registry = registry()


class Shelf(Base):
    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    api_key: Mapped[str | None]
    boxes: Mapped[list["Box"]] = relationship(back_populates="shelf")


class Box(Base):
    __tablename__ = "box"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    weight: Mapped[float]
    width: Mapped[float] = mapped_column(Float(24))
    height: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    price: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    level: Mapped[int] = mapped_column(SmallInteger)
    packed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    extra: Mapped[Any] = mapped_column(JSONB)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="boxes")


class ShelfAdmin(ModelAdmin, model=Shelf):
    pass


class BoxAdmin(ModelAdmin, model=Box):
    form_ajax_refs: ClassVar = {"shelf": {"fields": ("name",)}}
    form_args: ClassVar = {"name": {"validators": []}}


def declare(options: dict[str, Any]) -> type[ModelAdmin]:
    make: Any = type(ModelAdmin)
    declared: type[ModelAdmin] = make("Declared", (ModelAdmin,), options, model=Shelf)
    return declared


def build(declared: type[ModelView]) -> ModelAdmin:
    adopted = adopt(declared, "shop")
    adopted.session_maker = None  # type: ignore[assignment]
    view = adopted()
    view.prepare_forms()
    return view


class Paper(Base):
    __tablename__ = "paper"
    id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[str]


def test_column_that_no_form_can_have() -> None:
    make: Any = type(ModelAdmin)
    with pytest.raises(AppError, match="cannot have a field 'data'"):
        build(make("PaperAdmin", (ModelAdmin,), {}, model=Paper))


@pytest.fixture
def boxes() -> ModelAdmin:
    return build(BoxAdmin)


@pytest.fixture
def box() -> Box:
    return Box(
        id=1,
        name=None,
        weight=1.5,
        width=0.1,
        height=None,
        price=Decimal("12.50"),
        level=3,
        packed_at=datetime(2026, 11, 22, 22, 3, 38, 977767, UTC),
        extra=[],
        shelf_id=7,
    )


def test_secrets_and_relations_to_many_are_in_no_default() -> None:
    view = build(ShelfAdmin)
    assert view.details_columns == ["id", "name"]
    assert list(view.form_class_for_edit()._fields) == ["name"]


@pytest.mark.parametrize("option", ["column_list", "column_details_list", "form_columns"])
def test_secret_cannot_be_asked_for(option: str) -> None:
    declared = declare({option: ["api_key"]})
    with pytest.raises(AppError, match="holds a secret"):
        build(declared)


@pytest.mark.parametrize("option", ["column_searchable_list", "column_sortable_list"])
def test_secret_cannot_be_guessed(option: str) -> None:
    declared = declare({option: ["api_key"]})
    with pytest.raises(AppError, match="holds a secret"):
        build(declared)


def test_plain_view_of_sqladmin_gets_the_same_defaults() -> None:
    class Plain(ModelView, model=Shelf):
        pass

    view = build(Plain)
    assert isinstance(view, ModelAdmin)
    assert not view.can_export
    assert view.details_columns == ["id", "name"]


@pytest.mark.parametrize("option", ["column_list", "column_searchable_list"])
def test_misspelt_column_is_named_at_the_start(option: str) -> None:
    declared = declare({option: ["nmae"]})
    with pytest.raises(AppError, match="nmae"):
        build(declared)


def test_hook_that_would_never_run_is_refused() -> None:
    class Hooked(ModelAdmin, model=Shelf):
        async def on_model_change(self, *arguments: Any) -> None:
            pass

    with pytest.raises(AppError, match="on_model_change"):
        adopt(Hooked, "shop")


def test_action_by_get_is_refused() -> None:
    class Acting(ModelAdmin, model=Shelf):
        @action(name="retire")
        async def retire(self, request: Request) -> None:
            pass

    with pytest.raises(AppError, match="by GET"):
        adopt(Acting, "shop")


def test_two_sites_share_nothing() -> None:
    first, second = adopt(BoxAdmin, "shop"), adopt(BoxAdmin, "shop")
    first.ajax_lookup_url = "/first"
    assert second.ajax_lookup_url == BoxAdmin.ajax_lookup_url == ""


def test_validators_do_not_grow_with_every_site() -> None:
    for _ in range(3):
        build(BoxAdmin)
    assert BoxAdmin.form_args["name"] == {"validators": []}


def test_floats_have_a_field(boxes: ModelAdmin) -> None:
    sent = {"weight": "1.5", "width": "0.25", "height": "", "price": "1", "level": "1"}
    form = boxes.form_class_for_edit(FormData({**sent, "extra": "{}", "shelf": "7"}))
    assert form.validate(), form.errors
    assert (form.data["weight"], form.data["width"], form.data["height"]) == (1.5, 0.25, None)
    assert isinstance(form.data["weight"], float)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weight", "NaN"),
        ("weight", "1e999"),
        ("weight", "x"),
        ("price", "NaN"),
        ("price", "1.001"),
        ("price", "12345.00"),
        ("level", "40000"),
        ("level", "1e3"),
        ("packed_at", "yesterday"),
        ("extra", "{"),
    ],
)
def test_what_the_column_cannot_hold_is_a_mistake(boxes: ModelAdmin, name: str, value: str) -> None:
    form = boxes.form_class_for_edit(FormData({name: value}))
    assert not form.validate()
    assert form.errors[name]


def test_relation_is_a_line_of_text(boxes: ModelAdmin) -> None:
    field = boxes.form_class_for_edit().shelf
    assert isinstance(field, ReferenceField)
    assert "<input" in field()


def test_what_nobody_touched_is_not_changed(boxes: ModelAdmin, box: Box) -> None:
    """Microseconds, an empty list in JSON and a NULL text survive a form that shows less."""
    shown = writing.show_form(boxes, box, {"shelf": Shelf(id=7, name="Left")})
    sent = {
        name: field._value() if hasattr(field, "_value") else ""
        for name, field in shown._fields.items()
    }
    form = boxes.form_class_for_edit(FormData(sent))
    assert form.validate(), form.errors
    changed = [name for name, field in form._fields.items() if writing.is_changed(field, shown)]
    assert changed == []


def test_what_was_touched_is_changed(boxes: ModelAdmin, box: Box) -> None:
    shown = writing.show_form(boxes, box, {})
    form = boxes.form_class_for_edit(FormData({"packed_at": "2026-11-22T22:03:39", "name": "x"}))
    assert writing.is_changed(form._fields["packed_at"], shown)
    assert writing.is_changed(form._fields["name"], shown)

"""Form fields that fit PostgreSQL's types and work in a browser without JavaScript."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from markupsafe import Markup
from sqladmin.ajax import QueryAjaxModelLoader
from sqladmin.forms import ModelConverter, converts
from sqlalchemy import Column, Numeric
from sqlalchemy.orm import RelationshipProperty
from wtforms import Field, Form, StringField, TextAreaField, ValidationError, widgets
from wtforms.fields import SelectMultipleField
from wtforms.validators import InputRequired, Optional

from project.admin.bounds import Bounds, bounds_of
from project.admin.typed_fields import (
    DayField,
    DocumentField,
    LinesField,
    LocalMomentField,
    MomentField,
    NumberField,
    SpanField,
    WholeNumberField,
)
from project.i18n import gettext, mark, ngettext

LONG_TEXT = 255
"""Text columns that hold more than this get a box of several lines."""

LOCAL_FORMATS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]


class ReferenceField(StringField):  # type: ignore[misc]  # WTForms is untyped
    """A row of another table, named as `label #id`, by its id alone, or by a unique value.

    A select would hold the whole table. Here suggestions are fetched while one types, and
    what was typed is looked up when the form is saved.
    """

    def __init__(self, loader: QueryAjaxModelLoader, *, allow_blank: bool, **options: Any) -> None:
        if not allow_blank:
            options["validators"] = [InputRequired(), *options.get("validators", ())]
        super().__init__(**options)
        self.loader = loader


def lookup_columns(loader: QueryAjaxModelLoader) -> list[Any]:
    """Return the columns in which a lookup searches, in whose order it also suggests."""
    return [
        getattr(loader.model, column) if isinstance(column, str) else column
        for column in loader.fields
    ]


class _Boxes:
    """A box for each choice, in groups that have a title."""

    def __call__(self, field: "CheckboxesField", **_: Any) -> Markup:
        # Sent even if no box is: whoever sends none takes all away, whoever leaves it out nothing.
        parts = [Markup('<input type="hidden" name="{}" value="">').format(field.name)]
        for title, choices in field.offered.items():
            legend = Markup("<legend>{}</legend>").format(gettext(title)) if title else ""
            parts.append(Markup('<fieldset class="boxes">{}').format(legend))
            parts += [self._box(field, value, label) for value, label in choices]
            parts.append(Markup("</fieldset>"))
        if not field.choices:
            parts.append(Markup('<span class="muted">{}</span>').format(gettext("None.")))
        return Markup("").join(parts)

    def _box(self, field: "CheckboxesField", value: str, label: str) -> Markup:
        is_chosen, is_locked = value in (field.data or ()), value in field.locked
        box = widgets.html_params(
            name=field.name,
            type="checkbox",
            value=value,
            checked=is_chosen,
            disabled=is_locked,
            class_="form-check-input",
        )
        shown = Markup('<label class="box"><input {}> <span>{}</span></label>').format(
            Markup(box),  # noqa: S704 - WTForms has escaped it
            label,
        )
        if is_chosen and is_locked:  # a box that cannot be touched is not sent by itself
            shown += Markup('<input type="hidden" name="{}" value="{}">').format(field.name, value)
        return shown


class CheckboxesField(SelectMultipleField):  # type: ignore[misc]  # WTForms is untyped
    """Some of many, as boxes: works without JavaScript, and what is chosen is seen at a glance.

    `ModelAdmin.adapt_form` tells it what there is.
    """

    widget: Any = _Boxes()
    offered: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType({})
    locked: Collection[str] = ()

    def offer(
        self,
        offered: Mapping[str, Sequence[tuple[str, str]]],
        *,
        chosen: Iterable[str],
        locked: Collection[str] = (),
    ) -> None:
        """Say what there is (value and label, by title), what is chosen and what has to stay."""
        self.offered, self.locked = offered, locked
        self.choices = [choice for choices in offered.values() for choice in choices]
        if self.raw_data is None:  # shown, not sent
            self.data = sorted(chosen)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = sorted({value for value in valuelist if value})


class Converter(ModelConverter):
    """SQLAdmin's converter, mended for SQLAlchemy 2.1 and narrowed to what is safe."""

    async def convert(  # type: ignore[override]  # SQLAdmin calls it by keyword
        self, model: type, prop: Any, **options: Any
    ) -> Any:
        """Leave relations to many rows out, and let relations to one row be typed in."""
        if not isinstance(prop, RelationshipProperty):
            return await super().convert(model=model, prop=prop, **options)
        loader = (options.get("form_ajax_refs") or {}).get(prop.key)
        if loader is None:
            return None
        is_optional = all(local.nullable for local, _ in prop.local_remote_pairs or ())
        return ReferenceField(
            loader,
            allow_blank=is_optional,
            label=options.get("label") or prop.key.replace("_", " ").capitalize(),
            description=mark("The id, or start typing to search."),
            render_kw={"class": "form-control", "autocomplete": "off"},
        )

    @converts("String", "CHAR", "Text")  # type: ignore[untyped-decorator]
    def convert_text(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:  # noqa: ARG002
        column = prop.columns[0]
        length = getattr(column.type, "length", None)
        kwargs["filters"] = [*kwargs.get("filters", ()), _one_kind_of_line_end]
        kwargs["validators"] = [*kwargs["validators"], _refuse_nul, *self._string_common(prop)]
        if not column.nullable:
            # An empty text is a value; without this it would reach the column as NULL.
            kwargs["filters"].append(_never_none)
        is_long = length is None or length > LONG_TEXT
        return (TextAreaField if is_long else StringField)(**kwargs)

    @converts("Integer")  # type: ignore[untyped-decorator]
    def convert_integer(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:  # noqa: ARG002
        kwargs["validators"] = [*_emptiness(kwargs), _within(_bounds(prop.columns[0]))]
        return WholeNumberField(**kwargs)

    @converts("Numeric")  # type: ignore[untyped-decorator]
    def convert_numeric(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:  # noqa: ARG002
        kwargs.setdefault("places", None)
        column = prop.columns[0]
        kwargs["validators"] = [*_emptiness(kwargs), _fits(column), _within(_bounds(column))]
        return NumberField(**kwargs)

    # SQLAlchemy 2.1's Float is no Numeric any more, so that SQLAdmin knows no field for it.
    @converts("Float", "Double", "DOUBLE_PRECISION", "REAL")  # type: ignore[untyped-decorator]
    def convert_float(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:  # noqa: ARG002
        kwargs.setdefault("places", None)
        kwargs["filters"] = [*kwargs.get("filters", ()), _to_float]
        rule = _within(_bounds(prop.columns[0]))
        kwargs["validators"] = [*_emptiness(kwargs), _refuse_infinite, rule]
        return NumberField(**kwargs)

    @converts("DateTime")  # type: ignore[untyped-decorator]
    def convert_moment(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:  # noqa: ARG002
        kwargs.setdefault("format", LOCAL_FORMATS)
        kwargs["render_kw"] = {"step": "1", **kwargs["render_kw"]}
        has_zone = getattr(prop.columns[0].type, "timezone", False)
        return (MomentField if has_zone else LocalMomentField)(**kwargs)

    @converts("Date")  # type: ignore[untyped-decorator]
    def convert_day(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:  # noqa: ARG002
        return DayField(**kwargs)

    @converts("Boolean")  # type: ignore[untyped-decorator]
    def convert_flag(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:
        # Texts: an option whose value is False is written without a value.
        if prop.columns[0].nullable:
            kwargs.setdefault("choices", [("True", mark("Yes")), ("False", mark("No"))])
        return self.conv_boolean(model=model, prop=prop, kwargs=kwargs)

    @converts("Interval")  # type: ignore[untyped-decorator]
    def convert_span(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:  # noqa: ARG002
        kwargs["render_kw"] = {"placeholder": "1 day 1:25:33", **kwargs["render_kw"]}
        return SpanField(**kwargs)

    @converts("JSON", "JSONB")  # type: ignore[untyped-decorator]
    def convert_document(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:  # noqa: ARG002
        return DocumentField(**kwargs)

    # SQLAdmin's own field for lists takes new items by a script alone.
    @converts(  # type: ignore[untyped-decorator]
        "sqlalchemy.dialects.postgresql.base.ARRAY", "sqlalchemy.sql.sqltypes.ARRAY"
    )
    def convert_list(self, model: type, prop: Any, kwargs: dict[str, Any]) -> Field:  # noqa: ARG002
        kind: type = getattr(prop.columns[0].type.item_type, "python_type", str)
        return LinesField(coerce=kind if kind in {int, float, Decimal} else str, **kwargs)


def _emptiness(kwargs: dict[str, Any]) -> list[Any]:
    """Say what an empty number means: a mistake, or whatever the column's default is."""
    validators: list[Any] = kwargs["validators"]
    is_required = any(isinstance(validator, InputRequired) for validator in validators)
    return validators if is_required else [Optional(), *validators]


def _bounds(column: Any) -> Bounds:
    return bounds_of(column) if isinstance(column, Column) else Bounds()


def _within(bounds: Bounds) -> Callable[[Form, Field], None]:
    """Check that the column takes the number. WTForms' own check fails for hundreds of digits."""

    def check(form: Form, field: Field) -> None:  # noqa: ARG001 - WTForms passes both
        if field.data is not None and not field.errors and not bounds.allow(field.data):
            raise ValidationError(bounds.sentence())

    return check


def _fits(column: Any) -> Callable[[Form, Field], None]:
    """Check that the column holds the number as it is; PostgreSQL would round in silence."""
    assert isinstance(column.type, Numeric)  # noqa: S101 - registered for this type
    precision, scale = column.type.precision, column.type.scale or 0

    def check(form: Form, field: Field) -> None:
        _refuse_infinite(form, field)
        if field.data is None or precision is None:
            return
        if abs(field.data) >= 10 ** (precision - scale):
            raise ValidationError(
                ngettext(
                    "At most %(num)s digits before the point.",
                    "At most %(num)s digits before the point.",
                    precision - scale,
                )
            )
        if field.data != round(field.data, scale):
            raise ValidationError(
                ngettext(
                    "At most %(num)s digits after the point.",
                    "At most %(num)s digits after the point.",
                    scale,
                )
            )

    return check


def _refuse_infinite(form: Form, field: Field) -> None:  # noqa: ARG001 - WTForms passes both
    if field.data is not None and not Decimal(field.data).is_finite():
        raise ValidationError(gettext("This must be a number."))


def _refuse_nul(form: Form, field: Field) -> None:  # noqa: ARG001 - WTForms passes both
    if "\0" in (field.data or ""):
        raise ValidationError(gettext("This holds a character that cannot be stored."))


def _one_kind_of_line_end(value: str | None) -> str | None:
    """Undo what forms do to text: browsers send every line end as two characters."""
    return value.replace("\r\n", "\n") if value else value


def _never_none(value: str | None) -> str:
    return value or ""


def _to_float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)

"""Few choices as radio buttons: Django's `radio_fields`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup
from sqladmin.fields import SelectField
from wtforms import Field, widgets
from wtforms.fields.core import UnboundField

from project.admin.forms import ReferenceField
from project.i18n import gettext

MOST = 50
"""Rows of another table that have a button each; where there are more, one is typed in."""


class Radios:
    """A radio button for each choice, as `SelectField` has them."""

    is_group = True

    def __init__(self, *, is_translated: bool = True) -> None:
        self._say = gettext if is_translated else str

    def __call__(self, field: Field, **_: Any) -> Markup:
        buttons = [self._button(field, *choice[:3]) for choice in field.iter_choices()]
        return Markup('<div class="boxes">{}</div>').format(Markup("").join(buttons))

    def _button(self, field: Field, value: Any, label: str, is_chosen: bool) -> Markup:
        button = widgets.html_params(
            name=field.name,
            type="radio",
            value=value,
            checked=is_chosen,
            class_="form-check-input",
        )
        return Markup('<label class="box"><input {}> <span>{}</span></label>').format(
            Markup(button),  # noqa: S704 - WTForms has escaped it
            self._say(str(label)) if str(label).strip() else "\N{EN DASH}",
        )


class RowRadioField(ReferenceField):
    """A row of a small table. It is sent as it would be typed: `label #id`.

    Nothing but what it looks like differs: rules, conflicts and imports are those of a typed one.
    """

    choices: Sequence[tuple[str, str]] = ()

    def offer(self, choices: Sequence[tuple[str, str]]) -> None:
        """Say what there is, as it is sent and as it is called; too much of it is typed in."""
        if not 0 < len(choices) <= MOST:
            return
        there = self.data or ""
        known = {value for value, _ in choices}
        kept = [(there, there)] if there not in {"", *known} else []  # a row that they cannot see
        self.choices = [*([] if self.flags.required else [("", "")]), *choices, *kept]
        self.widget, self.description = Radios(is_translated=False), ""

    def iter_choices(self) -> Iterator[tuple[str, str, bool]]:
        there = self.data or ""
        yield from ((value, label, value == there) for value, label in self.choices)


def as_radios(field: Any, labels: Mapping[str, str], *, is_optional: bool) -> UnboundField | None:
    """Return a field of a form as radio buttons, in its place; None for one without choices."""
    if not isinstance(field, UnboundField):
        return None
    kind: type[Field] = SelectField
    options = {**field.kwargs, "widget": Radios()}
    if issubclass(field.field_class, ReferenceField):
        kind, options = RowRadioField, field.kwargs
    elif not issubclass(field.field_class, SelectField):
        if not labels:
            return None
        options |= {"choices": list(labels.items()), "allow_blank": is_optional}
    elif labels:
        options["choices"] = list(labels.items())
    made = UnboundField(kind, *field.args, **options)
    made.creation_counter = field.creation_counter  # WTForms sorts by it
    return made

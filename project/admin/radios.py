"""Few choices as radio buttons: Django's `radio_fields`."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from sqladmin.fields import SelectField
from wtforms import Field, widgets
from wtforms.fields.core import UnboundField

from project.i18n import gettext


class Radios:
    """A radio button for each choice, as `SelectField` has them."""

    is_group = True

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
            gettext(str(label)) if str(label).strip() else "\N{EN DASH}",
        )


def as_radios(field: Any, labels: Mapping[str, str], *, is_optional: bool) -> UnboundField | None:
    """Return a field of a form as radio buttons, in its place; None for one without choices."""
    if not isinstance(field, UnboundField):
        return None
    options = {**field.kwargs, "widget": Radios()}
    if not issubclass(field.field_class, SelectField):
        if not labels:
            return None
        options |= {"choices": list(labels.items()), "allow_blank": is_optional}
    elif labels:
        options["choices"] = list(labels.items())
    made = UnboundField(SelectField, *field.args, **options)
    made.creation_counter = field.creation_counter  # WTForms sorts by it
    return made

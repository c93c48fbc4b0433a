"""Permissions as a table: a row for each model, a column for each action, the rest as boxes."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from wtforms import widgets

from project.admin.forms import CheckboxesField
from project.i18n import gettext, mark
from project.permissions import name_rows

ACRONYMS = frozenset({"api", "csv", "id", "ip", "url"})
ACTIONS = ("view", "add", "change", "delete")
HEADS = (mark("View"), mark("Add"), mark("Change"), mark("Delete"))


class _Matrix:
    """A table of boxes under each title; below it the boxes of what is no action on a model."""

    def __call__(self, field: "MatrixField", **_: Any) -> Markup:
        # Sent even if no box is: whoever sends none takes all away, whoever leaves it out nothing.
        parts = [Markup('<input type="hidden" name="{}" value="">').format(field.name)]
        for title, choices in field.offered.items():
            legend = Markup('<fieldset class="boxes"><legend>{}</legend>').format(gettext(title))
            parts += [legend, *self._table(field, choices), Markup("</fieldset>")]
        return Markup("").join(parts)

    def _table(self, field: "MatrixField", choices: Sequence[tuple[str, str]]) -> list[Markup]:
        labels = dict(choices)
        models: dict[str, dict[str, str]] = {}
        others = []
        for value in labels:
            action, _, model = value.partition(".")[2].partition("_")
            if action in ACTIONS and model:
                models.setdefault(model, {})[action] = value
            else:
                others.append(value)
        rows = [self._row(field, model, found, labels) for model, found in models.items()]
        heads = Markup("").join(
            Markup('<th scope="col">{}</th>').format(gettext(action.capitalize()))
            for action in ACTIONS
        )
        start = Markup('<table class="matrix"><thead><tr><td></td>{}</tr></thead><tbody>')
        table = [start.format(heads), *rows, Markup("</tbody></table>")] if rows else []
        return table + [
            Markup('<label class="box">{} <span>{}</span></label>').format(
                _box(field, value, None), labels[value]
            )
            for value in others
        ]

    def _row(
        self, field: "MatrixField", model: str, found: dict[str, str], labels: dict[str, str]
    ) -> Markup:
        cells = Markup("").join(
            Markup("<td><label>{}</label></td>").format(
                _box(field, found[action], labels[found[action]]) if action in found else ""
            )
            for action in ACTIONS
        )
        words = name_rows(model).split(" ")
        name = " ".join(word.upper() if word.lower() in ACRONYMS else word for word in words)
        name = gettext(name)
        return Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, cells)


def _box(field: "MatrixField", value: str, label: str | None) -> Markup:
    is_chosen, is_locked = value in (field.data or ()), value in field.locked
    named = {"aria_label": label} if label else {}
    attributes = widgets.html_params(
        name=field.name,
        type="checkbox",
        value=value,
        checked=is_chosen,
        disabled=is_locked,
        class_="form-check-input",
        **named,
    )
    box = Markup("<input {}>").format(Markup(attributes))  # noqa: S704 - WTForms has escaped it
    if is_chosen and is_locked:  # a box that cannot be touched is not sent by itself
        box += Markup('<input type="hidden" name="{}" value="{}">').format(field.name, value)
    return box


class MatrixField(CheckboxesField):
    """Permissions; `offer` is told their names, as `CheckboxesField` is told its choices."""

    widget = _Matrix()

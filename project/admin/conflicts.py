"""Two people edit one row: what each of them wrote, side by side, and which of it is to stay."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from starlette.datastructures import FormData
from wtforms import BooleanField, Field, Form, PasswordField
from wtforms.fields.choices import SelectFieldBase

from project.admin.formats import display
from project.admin.forms import CheckboxesField
from project.admin.views import ModelAdmin
from project.errors import Conflict
from project.i18n import gettext
from project.trail import Recorded

OPENED, WRITTEN, TAKE = "_opened", "_written", "_take-"
"""Sent along with the form: what it had shown when it was opened, what was written in it when the
conflict was found, and the choice for one field."""

MINE, THEIRS = "mine", "theirs"
TICKED = "y"
LONGEST = 4_000
"""Characters of one value that a form carries along, to be shown again in a conflict."""


@dataclass(frozen=True)
class Difference:
    """A field of which there are two versions now."""

    name: str
    label: str
    theirs: str
    mine: str
    texts: tuple[str, str] | None
    """What the field's one input holds of theirs and of mine; None for boxes and passwords."""

    opened: str | None
    """What it was when the form was opened; None if that is not known."""

    chosen: str
    """Whose value is to stay, unless somebody decides otherwise: not one that was not touched."""


class ChangedMeanwhile(Conflict):
    """Somebody else changed the row after the form was shown. Carries what they left."""

    code = "changed_meanwhile"
    title = "Somebody else changed this while you were editing"

    def __init__(
        self, version: str, shown: Form, differences: list[Difference], last: Recorded | None
    ) -> None:
        super().__init__()
        self.version = version
        self.opened = remember(shown)
        self.differences = differences
        self.last = last
        """Who left this version and when, if the history of changes knows."""


def text_of(field: Field) -> str:
    """Return what a field's input holds, as it is sent."""
    if isinstance(field, BooleanField):
        return TICKED if field.data else ""
    if isinstance(field, CheckboxesField):
        return ", ".join(field.data or ())
    value = getattr(field, "_value", None)
    return str(value() if value is not None else field.data or "")


def one_line_end(text: str) -> str:
    """Browsers send their own line ends, whatever the text had."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def remember(form: Form) -> str:
    """Write down what a form shows, for it to carry along."""
    shown = {
        field.name: text_of(field)
        for field in form
        if not isinstance(field, PasswordField) and len(text_of(field)) <= LONGEST
    }
    return json.dumps(shown)


def remembered(sent: FormData, name: str = OPENED) -> dict[str, str]:
    """Read what a form carries along. It comes from the browser: nothing depends on its truth."""
    try:
        found = json.loads(str(sent.get(name, "")))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: text for name, text in found.items() if isinstance(text, str)}


def find_differences(
    view: ModelAdmin, form: Form, shown: Form, changed: set[str], opened: Mapping[str, str]
) -> list[Difference]:
    """Put what was sent beside what is there now, field by field, in the form's order."""
    differences = []
    for name in (field.name for field in form if field.name in changed):
        mine, was = form[name], opened.get(name)
        is_touched = was is None or one_line_end(text_of(mine)) != one_line_end(was)
        there = shown._fields.get(name)
        differences.append(
            Difference(
                name,
                view.label_of(name),
                "" if there is None else readable(there),
                readable(mine),
                _texts_of(there, mine),
                None if was is None or there is None else _readable_text(there, was),
                MINE if is_touched else THEIRS,
            )
        )
    return differences


def _texts_of(theirs: Field | None, mine: Field) -> tuple[str, str] | None:
    if theirs is None or isinstance(mine, BooleanField | CheckboxesField | PasswordField):
        return None
    return text_of(theirs), text_of(mine)


def take_theirs(form: Form, shown: Form, sent: FormData) -> None:
    """Put what is there now into the fields for which that was chosen on the page of a conflict.

    Whoever wrote something else into the field after that has chosen anew.
    """
    written = remembered(sent, WRITTEN)
    for field in form:
        there, was = shown._fields.get(field.name), written.get(field.name, text_of(field))
        is_edited = one_line_end(text_of(field)) != one_line_end(was)
        if there is not None and not is_edited and sent.get(f"{TAKE}{field.name}") == THEIRS:
            field.data = there.data
            if not isinstance(field, BooleanField):
                field.raw_data = [text_of(there)]


def readable(field: Field) -> str:
    """Return what a field holds, for people; a password is never shown."""
    if isinstance(field, PasswordField):
        return gettext("a new password") if field.data else ""
    if isinstance(field, CheckboxesField):
        return ", ".join(names_of(field))
    return _readable_text(field, text_of(field))


def names_of(field: CheckboxesField) -> list[str]:
    """Name the boxes that are ticked: what people read, and what is stored."""
    labels = dict(field.choices or ())
    return [f"{labels.get(value, value)} ({value})" for value in field.data or ()]


def _readable_text(field: Field, text: str) -> str:
    if isinstance(field, BooleanField):
        return gettext("Yes") if text == TICKED else gettext("No")
    if isinstance(field, SelectFieldBase):
        labels = {str(choice[0]): str(choice[1]) for choice in field.iter_choices()}
        return gettext(labels[text]) if text in labels else text
    kept = field.data
    try:
        field.process_formdata([text])
        read = field.data
    except ValueError:  # nothing, or nothing of that kind
        return text
    finally:
        field.data = kept
    return display(read) if isinstance(read, date | int | float | Decimal) else text

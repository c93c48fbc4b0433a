"""Values as people read them, in lists and on details pages."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from markupsafe import Markup

from project.admin.zones import in_zone, zone_name
from project.i18n import gettext, number
from project.i18n.dates import write_day, write_moment

TONES = 4
"""Looks of a badge; further values begin again."""

LIST_LENGTH = 80
"""Characters of a text that a list shows."""

NOTHING = Markup('<span class="nothing" title="{}">–</span>')  # noqa: RUF001 - a dash on purpose


def display(value: object) -> str:
    """Return a value as text, or as markup that is safe to put into a page."""
    if value is None or value == "":
        return NOTHING.format(gettext("empty"))
    for kind, formatter in FORMATTERS.items():
        if isinstance(value, kind):
            return formatter(value)
    return str(value)


def shorten(text: str) -> str:
    """Cut a long text for a list; the rest stands on the details page."""
    if isinstance(text, Markup) or len(text) <= LIST_LENGTH:
        return text
    return text[: LIST_LENGTH - 1].rstrip() + "…"


def kind_of(value: object) -> str:
    """Name how a value is laid out: numbers are aligned to the right."""
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, int | float | Decimal) else "text"


def _flag(value: bool) -> str:
    kind, mark, text = ("yes", "✓", gettext("Yes")) if value else ("no", "✗", gettext("No"))
    shown = '<span class="flag flag-{}" title="{}"><span aria-hidden="true">{}</span>'
    hidden = '<span class="visually-hidden">{}</span></span>'
    return Markup(shown + hidden).format(kind, text, mark, text)  # noqa: S704 - both are ours


def _moment(value: datetime) -> str:
    zone = ""
    if value.tzinfo is not None:
        value, zone = in_zone(value), f" {zone_name()}"
    shown = write_moment(value)
    return Markup('<time datetime="{}" title="{}{}">{}</time>').format(
        value.isoformat(), value.strftime("%Y-%m-%d %H:%M:%S"), zone, shown
    )


def _day(value: date) -> str:
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), write_day(value))


def _choice(value: Enum) -> str:
    tone = list(type(value)).index(value) % TONES
    return badge(gettext(value.name.replace("_", " ").capitalize()), tone)


def badge(label: str, tone: int) -> str:
    """Return one of a few values, so that each is known again at a glance."""
    return Markup('<span class="badge badge-{}">{}</span>').format(tone, label)


def _number(value: float | Decimal) -> str:
    return number(value)


def _document(value: Any) -> str:
    """Write a document as JSON has it, and as forms show it; a list of texts as one reads it."""
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ", ".join(map(str, value)) or "[]"
    return json.dumps(value, ensure_ascii=False, default=str)


# Order matters: a datetime is a date, too, and a bool is an int.
FORMATTERS: Mapping[type, Callable[[Any], str]] = {
    bool: _flag,
    Enum: _choice,
    datetime: _moment,
    date: _day,
    int: _number,
    float: _number,
    Decimal: _number,
    dict: _document,
    list: _document,
}

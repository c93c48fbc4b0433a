"""Fields that show what a column holds as it is: zero, nothing, and the empty list apart."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from sqladmin.fields import DateField, JSONField
from sqladmin.helpers import parse_interval
from wtforms import StringField, TextAreaField
from wtforms.fields import DateTimeLocalField, DecimalField, IntegerField

from project.admin.zones import from_zone, in_zone
from project.i18n import gettext, mark


@contextmanager
def _said(sentence: str) -> Iterator[None]:
    """Say what is expected, where WTForms would say that it is no "valid value"."""
    try:
        yield
    except ValueError:
        raise ValueError(sentence) from None


ZERO = frozenset({"0", "0:00", "0:00:00", "00:00:00"})


class SpanField(StringField):  # type: ignore[misc]  # WTForms is untyped
    """A length of time, as `1 day 1:25:33.652`; none is no zero."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        if not text:
            self.data = None
            return
        self.data = timedelta() if text in ZERO else parse_interval(text)
        if self.data is None:
            raise ValueError(gettext("Write a length of time like 1 day 1:25:33."))


class WholeNumberField(IntegerField):  # type: ignore[misc]  # WTForms is untyped
    def process_formdata(self, valuelist: list[str]) -> None:
        with _said("Write a whole number, such as 42."):
            super().process_formdata(valuelist)


class NumberField(DecimalField):  # type: ignore[misc]  # WTForms is untyped
    def process_formdata(self, valuelist: list[str]) -> None:
        with _said("Write a number, such as 12.50."):
            super().process_formdata(valuelist)


class DocumentField(JSONField):
    """JSON. An empty box is nothing at all, in JSON `null`."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return "null" if self.flags.required else ""
        return json.dumps(self.data, ensure_ascii=False, indent=2)


class LinesField(TextAreaField):  # type: ignore[misc]  # WTForms is untyped
    """A list, one item a line: works without JavaScript."""

    def __init__(self, *arguments: Any, coerce: Callable[[str], Any] = str, **options: Any) -> None:
        options.setdefault("description", mark("One a line."))
        super().__init__(*arguments, **options)
        self.coerce = coerce

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "\n".join("" if item is None else str(item) for item in self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        lines = valuelist[0].splitlines() if valuelist else []
        try:
            self.data = [self.coerce(line) for line in lines if line.strip()]
        except (ValueError, ArithmeticError):
            raise ValueError(gettext("One of these lines is not what this list holds.")) from None


class DayField(DateField):
    """A day, with four digits of the year: `strftime` leaves out their zeros, browsers insist."""

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return self.data.isoformat() if isinstance(self.data, date) else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        with _said("Write a day as 2026-01-31."):
            super().process_formdata(valuelist)


class LocalMomentField(DateTimeLocalField):  # type: ignore[misc]  # WTForms is untyped
    """A time without a zone; the same about its year."""

    def _value(self) -> str:
        return written_moment(self)

    def process_formdata(self, valuelist: list[str]) -> None:
        with _said("Write a day and a time as 2026-01-31 14:30."):
            super().process_formdata(valuelist)


class MomentField(LocalMomentField):
    """A moment, shown and typed in the zone of whoever sits before it."""

    has_zone = True
    data: datetime | None

    def process_data(self, value: Any) -> None:
        if isinstance(value, datetime) and value.tzinfo is not None:
            value = in_zone(value).replace(tzinfo=None)
        super().process_data(value)

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None:
            self.data = from_zone(self.data)


def written_moment(field: Any) -> str:
    """Return what a field for a time shows, in the browser's own form."""
    if field.raw_data:
        return " ".join(field.raw_data)
    if not isinstance(field.data, datetime):
        return ""
    return field.data.replace(microsecond=0, tzinfo=None).isoformat()

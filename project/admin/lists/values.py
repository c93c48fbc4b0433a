"""Values as they stand in an address, and as PostgreSQL takes them.

Whatever somebody types there, the answer is a value of the column's type or a sentence.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Float,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Uuid,
)
from sqlalchemy import Enum as EnumType

from project.i18n import gettext, mark

LONGEST = 500
MAXIMUM_DIGITS = 100

YES, NO = "true", "false"


class WrongValue(ValueError):
    """What stands there is no value of the column; the message is a sentence on what would be."""


def parse_value(kind: Any, text: str) -> Any:
    """Read a value of a column's type. Raises WrongValue."""
    if "\0" in text or len(text) > LONGEST:
        raise WrongValue(gettext("this is too long, or holds what cannot be stored."))
    for known, (parse, sentence) in PARSERS.items():
        if isinstance(kind, known):
            try:
                return parse(kind, text.strip() if known is not String else text)
            except (ValueError, ArithmeticError) as error:
                raise WrongValue(gettext(sentence)) from error
    raise WrongValue(gettext("this cannot be looked for."))


def can_parse(kind: Any) -> bool:
    """Whether values of a column's type can stand in an address."""
    return isinstance(kind, tuple(PARSERS))


def write_value(value: Any) -> str:
    """Write a value so that `parse_value` reads it back as it was."""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, Enum):
        return value.name
    return value.isoformat() if isinstance(value, date) else str(value)


def _enum(kind: Any, text: str) -> Any:
    if kind.enum_class is not None:
        try:
            return kind.enum_class[text]
        except KeyError:
            raise ValueError(text) from None
    if text not in kind.enums:
        raise ValueError(text)
    return text


def _integer(kind: Any, text: str) -> int:
    bits = 64 if isinstance(kind, BigInteger) else 16 if isinstance(kind, SmallInteger) else 32
    number = int(text)
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueError(text)
    return number


def _decimal(_: Any, text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > MAXIMUM_DIGITS:
        raise ValueError(text)
    return number


def _float(_: Any, text: str) -> float:
    number = float(text)
    if number != number or abs(number) == float("inf"):  # noqa: PLR0124 - how NaN is known
        raise ValueError(text)
    return number


def _boolean(_: Any, text: str) -> bool:
    if text not in {YES, NO}:
        raise ValueError(text)
    return text == YES


def _moment(kind: Any, text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if not kind.timezone:
        return moment.replace(tzinfo=None)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    # In UTC, because PostgreSQL refuses some of the offsets that Python takes.
    return moment.astimezone(UTC)


PARSERS: Mapping[type, tuple[Callable[[Any, str], Any], str]] = {
    EnumType: (_enum, mark("choose one of those that are offered.")),
    Boolean: (_boolean, mark("say true or false.")),
    Integer: (_integer, mark("this needs a whole number.")),
    Float: (_float, mark("this needs a number.")),
    Double: (_float, mark("this needs a number.")),
    Numeric: (_decimal, mark("this needs a number.")),
    DateTime: (_moment, mark("this needs a date such as 2026-01-31.")),
    Date: (lambda _, text: date.fromisoformat(text), mark("this needs a date such as 2026-01-31.")),
    Uuid: (lambda _, text: UUID(text), mark("this needs a UUID.")),
    String: (lambda _, text: text, ""),
}
"""How each kind is read, and what is said if it cannot be. Order matters: an Enum is a String."""


class Period:
    """Some days on end: `2026`, `2026-11`, `2026-11-23`, or by a name such as `today`."""

    NAMES: Mapping[str, str] = {
        "today": mark("Today"),
        "past_7_days": mark("Past 7 days"),
        "this_month": mark("This month"),
        "this_year": mark("This year"),
    }

    def __init__(self, text: str) -> None:
        self.first, self.end = _span(text)

    def bounds(self, kind: Any) -> tuple[Any, Any]:
        """Return the first value of the period and the first one after it, for a column."""
        return day_start(kind, self.first), day_start(kind, self.end)


def day_start(kind: Any, day: date) -> Any:
    """Return a day as a column of this type has it: its first moment, or itself."""
    if not isinstance(kind, DateTime):
        return day
    return datetime(day.year, day.month, day.day, tzinfo=UTC if kind.timezone else None)


def next_day(day: date) -> date:
    """Return the day after; the last day that there is has none."""
    try:
        return day + timedelta(days=1)
    except OverflowError:
        raise WrongValue(gettext("this needs an earlier date.")) from None


def _span(text: str) -> tuple[date, date]:
    today = datetime.now(UTC).date()
    match text:
        case "today":
            return today, next_day(today)
        case "past_7_days":
            return today - timedelta(days=6), next_day(today)
        case "this_month":
            text = f"{today:%Y-%m}"
        case "this_year":
            text = f"{today:%Y}"
    try:
        numbers = [int(part) for part in text.split("-")]
        year, month, day = (*numbers, 1, 1)[:3] if len(numbers) <= 3 else (0, 0, 0)  # noqa: PLR2004
        first = date(year, month, day)
        if len(numbers) == 1:
            return first, date(year + 1, 1, 1)
        if len(numbers) == 2:  # noqa: PLR2004 - a year and a month
            return first, date(year + month // 12, month % 12 + 1, 1)
        return first, next_day(first)
    except ValueError as error:
        raise WrongValue(
            gettext("this needs a date such as 2026-01-31, 2026-01 or 2026.")
        ) from error

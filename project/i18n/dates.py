"""Dates as people write them in their language; the order of their parts is a message."""

from datetime import date, datetime

from project.i18n import gettext, mark

MONTHS = (
    *(mark("January"), mark("February"), mark("March"), mark("April"), mark("May"), mark("June")),
    *(mark("July"), mark("August"), mark("September"), mark("October"), mark("November")),
    mark("December"),
)
SHORT_MONTHS = (
    *(mark("Jan"), mark("Feb"), mark("Mar"), mark("Apr"), mark("May"), mark("Jun"), mark("Jul")),
    *(mark("Aug"), mark("Sep"), mark("Oct"), mark("Nov"), mark("Dec")),
)
DAYS = (
    *(mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri"), mark("Sat")),
    mark("Sun"),
)


def write_day(value: date) -> str:
    """Write a day: `23 Nov 2026`."""
    return _fill(gettext("{day:02} {month} {year}"), value)


def write_moment(value: datetime) -> str:
    """Write a day and a time, by the clock that the value has: `23 Nov 2026, 14:05`."""
    return _fill(gettext("{day:02} {month} {year}, {time}"), value)


def write_short_day(value: date) -> str:
    """Write a day of this year: `23 Nov`."""
    return _fill(gettext("{day:02} {month}"), value)


def write_weekday(value: date) -> str:
    """Write a day of this year with its name: `Mon 23 Nov`."""
    return _fill(gettext("{weekday} {day:02} {month}"), value)


def write_day_of_month(value: date) -> str:
    """Write a day below its month: `3 Nov`."""
    return _fill(gettext("{day} {month}"), value)


def write_month(value: date) -> str:
    """Write a month: `November 2026`."""
    return gettext("{month} {year}").format(month=gettext(MONTHS[value.month - 1]), year=value.year)


def _fill(pattern: str, value: date) -> str:
    return pattern.format(
        day=value.day,
        month=gettext(SHORT_MONTHS[value.month - 1]),
        year=value.year,
        weekday=gettext(DAYS[value.weekday()]),
        time=f"{value:%H:%M}" if isinstance(value, datetime) else "",
    )

"""Filters, chips and dates as the page shows them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from project.admin.lists.facts import DAYS, DAYS_LIMIT, FACET_LIMIT, FIRST, LAST, Fact, Facts
from project.admin.lists.field_filters import MOST_CHOICES
from project.admin.lists.filters import Choice, Input, ListFilter
from project.admin.lists.query import Chosen, ListQuery
from project.admin.lists.values import Period
from project.i18n import gettext
from project.i18n import number as write
from project.i18n.dates import write_day_of_month, write_month

MOST_YEARS = 30
"""Years that the hierarchy of dates offers: one wrong date must not make thousands."""

Address = Callable[..., str]
"""`with_query` of the page: the address with some parts changed."""


@dataclass(frozen=True)
class Link:
    """Something to choose, or to take back."""

    label: str
    address: str
    is_chosen: bool = False
    number: str = ""


@dataclass(frozen=True)
class Box:
    """A box in a filter's form, with what is in it."""

    parameter: str
    label: str
    kind: str
    value: str
    has_lookup: bool


@dataclass(frozen=True)
class Panel:
    """One filter."""

    title: str
    name: str
    links: Sequence[Link]
    boxes: Sequence[Box]
    parameters: Sequence[str]
    is_chosen: bool


def build_panels(query: ListQuery, facts: Facts, address: Address) -> list[Panel]:
    """Lay every filter out."""
    return [_panel(query, found, facts, address) for found in query.filters]


def build_chips(query: ListQuery, facts: Facts, address: Address) -> list[Link]:
    """Return what was chosen; following a chip takes it back."""
    return [
        Link(
            f"{gettext(found.title)}: {_called(found, choice, facts)}",
            address(**{choice.parameter: None}),
        )
        for found, choice in query.chosen
    ]


def _called(found: ListFilter, choice: Choice, facts: Facts) -> str:
    names = facts.get(f"{found.parameter_name}:chosen", ())
    return next((n.label for n in names if n.label and n.value == choice.value), choice.label)


def _panel(query: ListQuery, found: ListFilter, facts: Facts, address: Address) -> Panel:
    chosen = {choice.parameter: choice.value for owner, choice in query.chosen if owner is found}
    cleared: dict[str, Any] = dict.fromkeys(found.parameters())
    lines = facts.get(found.parameter_name, ())
    links = [Link(gettext("All"), address(**cleared), not chosen)]
    links += [
        Link(
            choice.label,
            address(**{**cleared, choice.parameter: choice.value}),
            chosen.get(choice.parameter) == choice.value,
            _shown(number),
        )
        for choice, number in _offered(found, lines)
    ]
    are_many = len(lines) > MOST_CHOICES
    boxes = [
        _box(box, chosen) for box in found.inputs() if are_many or not _is_a_choice(box, found)
    ]
    return Panel(gettext(found.title), found.parameter_name, links, boxes, [*cleared], bool(chosen))


def _is_a_choice(box: Input, found: ListFilter) -> bool:
    """Whether a box says what the links say, if they are not too many."""
    return box.parameter == found.parameter_name and found.is_found


def _box(box: Input, chosen: dict[str, str]) -> Box:
    value = chosen.get(box.parameter, "")
    return Box(box.parameter, box.label, box.kind, value, box.has_lookup)


def _offered(found: ListFilter, lines: Sequence[Fact]) -> Iterator[tuple[Choice, int | None]]:
    numbers = {line.value: line.number for line in lines}
    if found.is_found and len(lines) <= MOST_CHOICES:
        for line in sorted(lines, key=lambda line: line.label or line.value or ""):
            if line.value is not None:
                yield found.found_choice(line.value, line.label or ""), line.number
    for choice in found.choices():
        yield choice, numbers.get(f"{choice.parameter}={choice.value}")


def _shown(number: int | None) -> str:
    if number is None:
        return ""
    return write(number) if number <= FACET_LIMIT else f"{write(FACET_LIMIT)}+"


@dataclass(frozen=True)
class Dates:
    """Where one is among years, months and days, and where one may go."""

    title: str
    trail: Sequence[Link]
    links: Sequence[Link]


def build_dates(query: ListQuery, facts: Facts, address: Address) -> Dates | None:
    """Lay the hierarchy of dates out: below a year its months, below a month its days."""
    hierarchy = query.scope.view.hierarchy
    first, last = (_day_in(facts, source) for source in (FIRST, LAST))
    if hierarchy is None or first is None or last is None:
        return None
    name = hierarchy.parameter_name
    cleared: dict[str, Any] = dict.fromkeys(hierarchy.parameters())

    def go(text: str | None) -> str:
        return address(**{**cleared, name: text})

    here = _here(query.chosen, name)
    parts = here.split("-") if here else []
    trail = [Link(gettext("All dates"), go(None), not parts)] + [
        Link(_name("-".join(parts[: n + 1])), go("-".join(parts[: n + 1])), n == len(parts) - 1)
        for n in range(len(parts))
    ]
    numbers = _by_prefix(facts.get(DAYS, ()), 7 if len(parts) == 1 else 10)
    links = [
        Link(_name(text), go(text), number=_shown_date(numbers, text))
        for text in _below(here, first, last)
    ]
    return Dates(gettext(hierarchy.title), trail, links)


def _here(chosen: Sequence[Chosen], name: str) -> str:
    values = (choice.value for _, choice in chosen if choice.parameter == name)
    value = next(values, "")
    return "" if value in Period.NAMES else value


def _below(here: str, first: date, last: date) -> Iterator[str]:
    """Yield the parts of where one is, as far as there may be rows."""
    if not here:
        oldest = max(first.year, last.year - MOST_YEARS)
        yield from (f"{year:04}" for year in range(last.year, oldest - 1, -1))
        return
    period = Period(here)
    day = max(period.first, first)
    match here.count("-"):
        case 0:
            for month in range(1, 13):
                text = f"{period.first.year:04}-{month:02}"
                if f"{first:%Y-%m}" <= text <= f"{last:%Y-%m}":
                    yield text
        case 1:
            while day < period.end and day <= last:
                yield day.isoformat()
                day += timedelta(days=1)


def _name(text: str) -> str:
    match text.split("-"):
        case [year, month]:
            return write_month(date(int(year), int(month), 1))
        case [_, _, _]:
            return write_day_of_month(date.fromisoformat(text))
    return text


def _day_in(facts: Facts, source: str) -> date | None:
    for fact in facts.get(source, ()):
        with suppress(ValueError, TypeError):
            return date.fromisoformat(fact.value or "")
    return None


def _by_prefix(days: Sequence[Fact], length: int) -> dict[str, int]:
    """Add the days up; nothing if they were too many to count."""
    numbers: dict[str, int] = {}
    for day in days:
        prefix = (day.value or "")[:length]
        numbers[prefix] = numbers.get(prefix, 0) + (day.number or 0)
    return numbers if sum(numbers.values()) <= DAYS_LIMIT else {}


def _shown_date(numbers: dict[str, int], text: str) -> str:
    return write(numbers.get(text, 0)) if numbers else ""

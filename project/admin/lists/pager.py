"""Where one is in a list, and the ways on."""

from dataclasses import dataclass
from math import ceil

from project.admin.lists.counting import Count
from project.admin.lists.panel import Address
from project.admin.lists.query import LAST, ListQuery
from project.admin.lists.reading import ListPage
from project.i18n import gettext
from project.i18n import number as write


@dataclass(frozen=True)
class Pager:
    """Addresses of other pages; empty where there are none."""

    here: str
    first: str
    previous: str
    next: str
    last: str
    unfiltered: str
    """The list without any filter."""


def build_pager(query: ListQuery, page: ListPage, address: Address) -> Pager:
    """Lead on by the rows at the ends of the page; by its number only if the order needs it."""
    place = page.place
    number = place.number if place.is_numbered else None

    def lead(step: int, name: str, cursor: str | None) -> str:
        to = None if number is None else max(number + step, 1)
        if cursor is None or to == 1:
            return address(page=to)
        return address(page=to, **{name: cursor})

    has_end = query.ordering.has_cursors
    return Pager(
        here=_here(query, page, number),
        first=address() if page.has_previous else "",
        previous=lead(-1, "before", page.first) if page.has_previous else "",
        next=lead(1, "after", page.last) if page.has_next else "",
        last=address(page=LAST) if page.has_next and has_end else "",
        unfiltered=address(**dict.fromkeys(choice.parameter for _, choice in query.chosen)),
    )


def _here(query: ListQuery, page: ListPage, number: int | None) -> str:
    if number is None:
        return "" if page.has_next else gettext("Last page")
    pages = ceil(page.count.rows / query.page_size) if page.count is not None else 0
    if page.count is None or pages <= 1:
        return gettext("Page %(page)s", page=write(number))
    if page.count.precision == "exactly":
        return _of(number, write(max(pages, number)))
    if number >= pages:
        return gettext("Page %(page)s", page=write(number))
    return _of(number, str(Count(pages, page.count.precision)))


def _of(number: int, pages: str) -> str:
    return gettext("Page %(page)s of %(pages)s", page=write(number), pages=pages)

"""Full-text search in any order, within a bounded time for frequent words and rare ones alike.

No index of PostgreSQL's own finds words and delivers in order. For a rare word the way is to
fetch all its items (GIN) and sort them; for a frequent one to walk an ordered index and keep
what matches. The planner has to guess how frequent the words are, together and at this place
of the order, and a wrong guess reads the whole table. So nothing is left to its guesses: the
search tries the cheap ways one after the other, each of them bounded, until one is complete.

With a million items (loadtests/bench_items.py) that takes milliseconds. What takes longer: a
word that a tenth of all items have, but none of the next WALK ones (half a second: all of them
are sorted), and words that are frequent each but rarely meet, a frequent beginning above all
(tens of milliseconds: the index has to list all that have it).
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, func, select, true
from sqlalchemy.dialects.postgresql import REGCONFIG, TSQUERY
from sqlalchemy.orm import Session, aliased, joinedload

from apps.items.models import Item
from project.db.keyset import Order, Slice, cut_page, decode_cursor

ITEMS = Item.__table__

Conditions = Callable[[Any], list[ColumnElement[bool]]]

STROLL = 2_000
"""Items looked through at first: enough for words that one item in a hundred has."""

WALK = 10_000
"""Items looked through when the words are too frequent to sort all that have them."""

RARE = 5_000
"""Words with no more items than this have them all fetched and sorted."""

# Three Latin letters, or one Chinese: shorter beginnings stand for too many words.
SHORTEST_BEGINNING = 3

SEPARATORS = str.maketrans("/.-", "   ")
"""As in the model's SEARCH_VECTOR."""


def parse_words(words: str) -> ColumnElement[Any]:
    """Return the tsquery: every word, and the last one may be only its beginning.

    It is NULL, which nothing matches, if there is no word in it. PostgreSQL splits the
    words, so that both sides are split alike, and takes whatever it is given.
    """
    spaced = words.translate(SEPARATORS)
    plain = func.plainto_tsquery(cast("simple", REGCONFIG), spaced, type_=TSQUERY)
    last = spaced.split()[-1:] or [""]
    if len(last[0].encode()) < SHORTEST_BEGINNING:
        return plain
    return cast(func.nullif(func.text(plain), "").concat(":*"), TSQUERY)


class Search:
    """One page of a search."""

    def __init__(
        self, words: str, order: Order, conditions: Conditions, *, limit: int, cursor: str | None
    ) -> None:
        self.query = parse_words(words)
        self.order = order
        self.limit = limit
        self._conditions = conditions
        self._position = None if cursor is None else decode_cursor(cursor, order)

    def fetch(self, session: Session) -> Slice[Item]:
        """Try one way after the other until one of them gives the whole page."""
        rows = self._walk(session, STROLL)
        if len(rows) <= self.limit:
            # As many again on the rest of the way would fill the page: probably frequent words.
            seems_frequent = len(rows) * WALK > self.limit * STROLL
            ways = [self._sort_if_rare, self._walk_far, self._sort_all]
            if seems_frequent:
                ways = [self._walk_far, self._sort_if_rare, self._sort_all]
            found = (way(session) for way in ways)
            rows = next(rows for rows in found if rows is not None)
        return cut_page(rows, self.order, self.limit)

    def _walk(self, session: Session, distance: int) -> Sequence[Item]:
        """Look through the next items of the order."""
        near = self._wanted(select(ITEMS), ITEMS.c)
        near = near.order_by(*self.order.clauses()).limit(distance)
        window = near.subquery("near")
        matches = select(window).where(window.c.search.bool_op("@@")(self.query))
        return self._fetch(session, self._page(matches, window.c))

    def _walk_far(self, session: Session) -> Sequence[Item] | None:
        """Look through more of them; None if that does not fill the page."""
        rows = self._walk(session, WALK)
        return rows if len(rows) > self.limit else None

    def _sort_if_rare(self, session: Session) -> Sequence[Item] | None:
        """Sort all that match, unless they are too many: then None."""
        found = self._matches().limit(RARE + 1).cte("found").prefix_with("MATERIALIZED")
        total = select(func.count().label("found")).select_from(found).subquery("total")
        wanted = self._wanted(select(found), found.c).where(total.c.found <= RARE)
        page = self._page(wanted, found.c).lateral("page")
        # Outer, so that there is a row to tell the number by even if the page is empty.
        item = aliased(Item, page)
        joined = select(total.c.found, item).select_from(total).outerjoin(page, true())
        joined = joined.order_by(*self.order.on(item).clauses())
        rows = session.execute(joined.options(joinedload(item.image))).all()
        if rows[0][0] > RARE:
            return None
        return [row[1] for row in rows if row[1] is not None]

    def _sort_all(self, session: Session) -> Sequence[Item]:
        """Sort all that match, however many."""
        found = self._matches().subquery("found")
        return self._fetch(session, self._page(self._wanted(select(found), found.c), found.c))

    def _matches(self) -> Select[Any]:
        # Hidden in a subquery, the words tell the planner nothing, and it takes the GIN index.
        hidden = select(self.query).scalar_subquery()
        return select(ITEMS).where(ITEMS.c.search.bool_op("@@")(hidden))

    def _wanted(self, statement: Select[Any], columns: Any) -> Select[Any]:
        """Narrow to the filters, and to what comes after the cursor."""
        statement = statement.where(*self._conditions(columns))
        if self._position is None:
            return statement
        return statement.where(self.order.on(columns).after(self._position))

    def _page(self, statement: Select[Any], columns: Any) -> Select[Any]:
        return statement.order_by(*self.order.on(columns).clauses()).limit(self.limit + 1)

    def _fetch(self, session: Session, page: Select[Any]) -> Sequence[Item]:
        """Fetch the items of a page with their pictures."""
        item = aliased(Item, page.subquery("page"))
        statement = select(item).order_by(*self.order.on(item).clauses())
        return session.scalars(statement.options(joinedload(item.image))).all()

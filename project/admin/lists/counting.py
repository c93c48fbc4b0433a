"""How many rows a list holds, without counting a million of them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ClauseElement,
    Executable,
    Select,
    Subquery,
    func,
    inspect,
    literal_column,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session

from project.admin.views import ModelAdmin
from project.i18n import gettext, number

COUNT_LIMIT = 10_000
"""Rows that are counted one by one; beyond, PostgreSQL's own estimate has to do."""

COUNT_COST = 60_000.0
"""What counting may cost in the planner's units: about a quarter of a second."""


@dataclass(frozen=True)
class Count:
    """How many rows there are: exactly, about, or at least so many."""

    rows: int
    precision: str = "exactly"

    def __str__(self) -> str:
        rows = number(self.rows)
        match self.precision:
            case "about":
                return gettext("about %(rows)s", rows=rows)
            case "more":
                return gettext("more than %(rows)s", rows=rows)
        return rows


class Estimate(NamedTuple):
    """What PostgreSQL believes: how many rows, and what counting up to the limit would cost."""

    rows: int
    cost: float = 0.0

    @property
    def is_enough(self) -> bool:
        """Whether nobody should count, because they are too many, or too hard to find."""
        return self.rows > COUNT_LIMIT or self.cost > COUNT_COST


def select_all(view: ModelAdmin) -> Select[Any]:
    """Select every row of a view."""
    return select(view.model)


def count_rows(session: Session, view: ModelAdmin, statement: Select[Any]) -> Count:
    """Count what a list holds, up to a limit: counting a million rows takes a tenth of a second."""
    estimate = estimate_list(session, view, statement)
    if estimate.is_enough:
        return settle(estimate, None)
    counted = session.scalar(select(func.count()).select_from(bounded(statement))) or 0
    return settle(estimate, counted)


def estimate_list(session: Session, view: ModelAdmin, statement: Select[Any]) -> Estimate:
    """Ask the planner about a list that is narrowed, and the statistics about a whole table."""
    if statement.whereclause is None:
        return Estimate(estimate_rows(session, view.model))
    return explain(session, statement)


def settle(estimate: Estimate, counted: int | None) -> Count:
    """Say how many there are, as far as that is known."""
    if counted is not None and counted <= COUNT_LIMIT:
        return Count(counted)
    if counted is None or estimate.rows > COUNT_LIMIT:
        return Count(_rounded(estimate.rows), "about")
    return Count(COUNT_LIMIT, "more")


def bounded(statement: Select[Any], limit: int | None = None) -> Subquery:
    """Select a row of nothing for each row of the list, up to one more than the limit."""
    rows: Select[Any] = statement.order_by(None).with_only_columns(
        literal_column("1").label("one"), maintain_column_froms=True
    )
    return rows.limit((COUNT_LIMIT if limit is None else limit) + 1).subquery()


def estimate_rows(session: Session, model: type) -> int:
    """Return how many rows PostgreSQL believes the table to have, rounded; -1 if it cannot say."""
    table: Any = inspect(model).local_table
    query = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")
    return _rounded(session.scalar(query, {"name": str(table)}) or 0)


def explain(session: Session, statement: Select[Any]) -> Estimate:
    """Ask the planner how many rows a list has, and what counting up to the limit would cost."""
    answer: Any = session.execute(_Explain(select(bounded(statement)))).scalar_one()
    limit = answer[0]["Plan"]
    while limit["Node Type"] not in {"Limit", "Result"} and len(limit.get("Plans", ())) == 1:
        limit = limit["Plans"][0]
    inner = limit["Plans"][0] if limit.get("Plans") else limit
    return Estimate(int(inner["Plan Rows"]), float(limit["Total Cost"]))


class _Explain(Executable, ClauseElement):
    """A statement's plan in the place of its rows."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain)
def _compile(element: _Explain, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


def _rounded(rows: int) -> int:
    return round(rows, -max(len(str(rows)) - 3, 0))

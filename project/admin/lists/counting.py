"""How many rows a list holds, without counting a million of them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, inspect, literal_column, select, text
from sqlalchemy.orm import Session

from project.admin.views import ModelAdmin

COUNT_LIMIT = 10_000
"""Rows that are counted one by one; beyond, PostgreSQL's own estimate has to do."""


@dataclass(frozen=True)
class Count:
    """How many rows there are: exactly, about, or at least so many."""

    rows: int
    precision: str = "exactly"

    def __str__(self) -> str:
        number = f"{self.rows:,}"
        return {"about": f"about {number}", "more": f"more than {number}"}.get(
            self.precision, number
        )


def select_all(view: ModelAdmin) -> Select[Any]:
    """Select every row of a view."""
    return select(view.model)


def count_rows(session: Session, view: ModelAdmin, statement: Select[Any]) -> Count:
    """Count what a list holds, up to a limit: counting a million rows takes a tenth of a second."""
    if statement.whereclause is None:
        estimate = estimate_rows(session, view.model)
        if estimate > COUNT_LIMIT:
            return Count(estimate, "about")
    rows: Select[Any] = statement.order_by(None).with_only_columns(
        literal_column("1"), maintain_column_froms=True
    )
    limited = rows.limit(COUNT_LIMIT + 1).subquery()
    counted = session.scalar(select(func.count()).select_from(limited)) or 0
    return Count(counted) if counted <= COUNT_LIMIT else Count(COUNT_LIMIT, "more")


def estimate_rows(session: Session, model: type) -> int:
    """Return how many rows PostgreSQL believes the table to have, rounded; -1 if it cannot say."""
    table: Any = inspect(model).local_table
    query = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")
    estimate: int = session.scalar(query, {"name": str(table)}) or 0
    digits = max(len(str(estimate)) - 3, 0)
    return round(estimate, -digits)

"""Days in UTC, for what is counted by the day."""

from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, func


def day_of(moment: Any) -> ColumnElement[date]:
    """Return the day on which a column's moment lies."""
    return cast(func.timezone("UTC", moment), Date)


def start_of(day: date) -> datetime:
    """Return the moment at which a day begins."""
    return datetime.combine(day, time.min, UTC)

"""Reads."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from apps.orders.errors import OrderNotFound
from apps.orders.models import CANCELLED, Order
from project.db import keyset
from project.db.days import day_of, start_of
from project.db.keyset import Slice, fetch_page
from project.db.notifications import Topic

NEWEST_FIRST = keyset.Order("-created_at", (Order.created_at, Order.id), descending=True)


def find_order(session: Session, order_id: int) -> Order | None:
    """Return the order with this id and its lines, if there is one."""
    statement = select(Order).where(Order.id == order_id).options(selectinload(Order.lines))
    return session.scalar(statement)


def get_order(session: Session, order_id: int) -> Order:
    """Return the order with this id and its lines. Raises OrderNotFound."""
    order = find_order(session, order_id)
    if order is None:
        raise OrderNotFound
    return order


def load_lines(session: Session, orders: Collection[Order]) -> Sequence[Order]:
    """Return these orders with their lines, by their ids."""
    statement = select(Order).where(Order.id.in_([order.id for order in orders]))
    return session.scalars(statement.options(selectinload(Order.lines)).order_by(Order.id)).all()


def list_orders(
    session: Session, *, user_id: int, limit: int, cursor: str | None = None
) -> Slice[Order]:
    """Return a page of an account's orders with their lines, newest first."""
    statement = select(Order).where(Order.user_id == user_id).options(selectinload(Order.lines))
    return fetch_page(session, statement, NEWEST_FIRST, limit=limit, cursor=cursor)


def sales_by_day(session: Session, *, since: date) -> dict[date, tuple[int, Decimal]]:
    """Return the number and the sum of the orders placed on each day (UTC), cancelled ones not."""
    day = day_of(Order.created_at)
    kept = (Order.created_at >= start_of(since), Order.status != CANCELLED)
    statement = select(day, func.count(), func.sum(Order.total)).where(*kept).group_by(day)
    return {day: (count, total) for day, count, total in session.execute(statement)}


def read_statuses(session: Session, order_ids: Collection[int]) -> dict[int, str]:
    """Return the status of each of these orders that exists."""
    statement = select(Order.id, Order.status).where(Order.id.in_(order_ids))
    return {row.id: row.status for row in session.execute(statement)}


ORDER_STATUS = Topic("orders.status", read_statuses)
"""Watched by `GET /orders/{order_id}/events`; services tell when one has changed."""

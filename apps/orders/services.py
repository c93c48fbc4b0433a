"""Writes."""

from collections.abc import Mapping

from sqlalchemy import update
from sqlalchemy.orm import Session

from apps.items.queries import Offer
from apps.items.services import return_stock, take_stock
from apps.orders.errors import OrderTooLarge
from apps.orders.models import CANCELLED, MAXIMUM_TOTAL, PLACED, Order, OrderLine
from apps.orders.queries import ORDER_STATUS
from project.db.notifications import notify


def place_order(session: Session, *, user_id: int, quantities: Mapping[int, int]) -> Order:
    """Buy so many of each item (by its id), all or nothing; the lines keep the order given.

    Raises UnknownItem, OutOfStock or OrderTooLarge.
    """
    offers = take_stock(session, quantities=quantities)
    lines = [_line(offers[item_id], quantity) for item_id, quantity in quantities.items()]
    total = sum(line.line_total for line in lines)
    if total > MAXIMUM_TOTAL:
        raise OrderTooLarge
    order = Order(user_id=user_id, total=total, lines=lines)
    session.add(order)
    # No notification: nobody can watch an order before it is there, and it costs every commit.
    session.flush()  # order.id and created_at
    return order


def cancel_order(session: Session, *, order: Order) -> Order:
    """Cancel an order whose lines are loaded, and give its stock back exactly once.

    An order that is cancelled already stays so, and nothing moves. One UPDATE decides, so of
    parallel calls one gives the stock back.
    """
    decision = (
        update(Order)
        .where(Order.id == order.id, Order.status == PLACED)
        .values(status=CANCELLED)
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(decision) is not None:
        return_stock(session, quantities={line.item_id: line.quantity for line in order.lines})
        notify(session, ORDER_STATUS, order.id)
    session.refresh(order, ("status", "updated_at"))
    return order


def _line(offer: Offer, quantity: int) -> OrderLine:
    return OrderLine(item_id=offer.id, name=offer.name, unit_price=offer.price, quantity=quantity)

"""A month of orders to look at."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, cycle, islice
from typing import NamedTuple

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from apps.items.queries import ItemFilter, list_items
from apps.orders.models import Order
from apps.orders.services import cancel_order, place_order
from apps.users.models import User
from apps.users.queries import find_user_by_email
from apps.users.services import create_user

CUSTOMERS = (
    "Robin Hale",
    "Amara Okafor",
    "Jonas Lindqvist",
    "Mei Tanaka",
    "Elena Ferrer",
    "Tomasz Nowak",
    "Nadia Haddad",
    "Oliver Grant",
    "Ingrid Solberg",
    "Priya Nair",
    "Mateo Rossi",
    "Hannah Weiss",
)

DAYS_AGO: tuple[int, ...] = (29, 28, 26, 26, 25, 23, 22, 22, 22, 20, 19, 18, 18, 16, 15, 15, 15, 13)
DAYS_AGO += (12, 11, 11, 9, 9, 8, 8, 8, 8, 6, 5, 5, 4, 4, 4, 2, 1, 1)
"""When each order was placed: busy days and quiet ones."""

BASKETS = ((1, 2), (1,), (2, 1), (1, 1, 3), (1,))
"""For each order, and again from the first, how many of one item after the other."""

WARES = 15
"""Of how many items the orders are; more makes the plots no better."""

PLENTY = 18
"""What each of them has in stock at least, which is more than is taken."""

CANCELLED_EACH = 9


class Placed(NamedTuple):
    """An order, whose it is, and when it is said to have been placed."""

    order: Order
    customer: User
    at: datetime


def sample(session: Session) -> int:
    """Place orders for what the catalogue has plenty of, unless there are some; return how many."""
    found = list_items(session, limit=100, wanted=ItemFilter(in_stock=True)).rows
    plenty = [item.id for item in found if item.stock >= PLENTY][:WARES]
    if len(plenty) < WARES or session.scalar(select(exists(select(Order.id)))):
        return 0
    placed = _place(session, plenty)
    for one in islice(placed, CANCELLED_EACH - 1, None, CANCELLED_EACH):
        cancel_order(session, order=one.order)
    _spread(session, placed)
    return len(placed)


def _place(session: Session, item_ids: Sequence[int]) -> list[Placed]:
    """Let each customer come back after the first order, and a new one come every third time."""
    now, wares, customers, placed = datetime.now(UTC), cycle(item_ids), list[User](), list[Placed]()
    for number, days, basket in zip(count(), DAYS_AGO, cycle(BASKETS), strict=False):
        if number % 3 == 0:
            customers.append(_customer(session, CUSTOMERS[len(customers)]))
        customer = customers[number * 5 % len(customers)] if number % 3 else customers[-1]
        quantities = {next(wares): quantity for quantity in basket}
        order = place_order(session, user_id=customer.id, quantities=quantities)
        placed.append(Placed(order, customer, now - timedelta(days=days, minutes=-number * 9)))
    return placed


def _customer(session: Session, name: str) -> User:
    """Return a customer's account; nobody can sign in to it."""
    email = f"{name.split(maxsplit=1)[0].lower()}@example.com"
    return find_user_by_email(session, email) or create_user(
        session, email=email, password_hash=None, full_name=name
    )


def _spread(session: Session, placed: Iterable[Placed]) -> None:
    """Move the orders to their days, and the accounts to that of their first order."""
    session.flush()
    first: dict[int, datetime] = {}
    for one in placed:
        first.setdefault(one.customer.id, one.at - timedelta(minutes=6))
    orders = [{"id": p.order.id, "created_at": p.at, "updated_at": p.at} for p in placed]
    session.execute(update(Order), orders)
    accounts = [{"id": key, "created_at": at, "updated_at": at} for key, at in first.items()]
    session.execute(update(User), accounts)

"""A few orders to look at."""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from apps.items.queries import ItemFilter, list_items
from apps.orders.models import Order
from apps.orders.services import cancel_order, place_order
from apps.users.models import User
from apps.users.queries import find_user_by_email
from apps.users.services import create_user

CUSTOMER_EMAIL = "customer@example.com"
CUSTOMER_NAME = "Robin Hale"
BASKETS = ((1, 2), (3,), (1, 1, 4))
"""For each order, how many of one item after the other."""


def sample(session: Session) -> int:
    """Place orders for what the catalogue has plenty of, unless there are some; return how many."""
    found = list_items(session, limit=100, wanted=ItemFilter(in_stock=True)).rows
    plenty = [item.id for item in found if item.stock > max(map(max, BASKETS))]
    if len(plenty) < sum(map(len, BASKETS)) or session.scalar(select(exists(select(Order.id)))):
        return 0
    customer, items = _customer(session), iter(plenty)
    for basket in BASKETS:
        quantities = {next(items): quantity for quantity in basket}
        order = place_order(session, user_id=customer.id, quantities=quantities)
    cancel_order(session, order=order)
    return len(BASKETS)


def _customer(session: Session) -> User:
    """Return the customer's account; nobody can sign in to it."""
    return find_user_by_email(session, CUSTOMER_EMAIL) or create_user(
        session, email=CUSTOMER_EMAIL, password_hash=None, full_name=CUSTOMER_NAME
    )

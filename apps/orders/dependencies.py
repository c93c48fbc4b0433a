from typing import Annotated

from fastapi import Header

from apps.orders.errors import OrderNotFound
from apps.orders.models import KEY_LENGTH, Order
from apps.orders.queries import get_order
from project.web.access import permits
from project.web.principal import CurrentPrincipal
from project.web.schemas import PathId
from project.web.transaction import DbSession, InTransaction


@permits("owner", "staff")
def visible_order(session: DbSession, principal: CurrentPrincipal, order_id: PathId) -> Order:
    """Load the order in the path: one's own, or any for staff.

    A stranger hears the same as if there were none, so nobody learns which orders exist.
    """
    order = get_order(session, order_id)
    if not (order.user_id == principal.id or principal.is_staff or principal.is_superuser):
        raise OrderNotFound
    return order


VisibleOrder = Annotated[Order, InTransaction(visible_order)]
"""The order in the path with its lines, if the one who asks may see it."""


def watched_order(order: VisibleOrder) -> int:
    """Let only those watch an order who may see it."""
    return order.id


WatchedOrder = Annotated[int, InTransaction(watched_order)]
"""The id of the order in the path, if the one who asks may see it; all that a stream keeps."""

RetryKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=KEY_LENGTH,
        pattern=r"^[\x21-\x7e]+$",
        description="A name of your own for this attempt, a random UUID say.",
    ),
]
"""What a client that may have to ask again sends; visible ASCII characters."""

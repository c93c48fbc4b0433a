from typing import Annotated

from fastapi import Header
from sqlalchemy.orm import Session

from apps.orders.errors import OrderNotFound
from apps.orders.models import KEY_LENGTH, Order
from apps.orders.queries import get_order
from project.web.access import permits
from project.web.permissions import is_permitted
from project.web.principal import CurrentPrincipal, Principal
from project.web.schemas import PathId
from project.web.transaction import DbSession, InTransaction

VIEW, CHANGE = "orders.view_order", "orders.change_order"


@permits("owner", "staff", CHANGE)
def changeable_order(session: DbSession, principal: CurrentPrincipal, order_id: PathId) -> Order:
    """Load the order in the path as `visible_order` does, for whoever may cancel it."""
    return _load_for(session, principal, order_id, CHANGE)


ChangeableOrder = Annotated[Order, InTransaction(changeable_order)]
"""The order in the path with its lines, if the one who asks may change it."""


@permits("owner", "staff", VIEW)
def visible_order(session: DbSession, principal: CurrentPrincipal, order_id: PathId) -> Order:
    """Load the order in the path: one's own, any for staff and holders of the permission.

    A stranger hears the same as if there were none, so nobody learns which orders exist.
    """
    return _load_for(session, principal, order_id, VIEW)


VisibleOrder = Annotated[Order, InTransaction(visible_order)]
"""The order in the path with its lines, if the one who asks may see it."""


def watched_order(order: VisibleOrder) -> int:
    """Let only those watch an order who may see it."""
    return order.id


WatchedOrder = Annotated[int, InTransaction(watched_order)]
"""The id of the order in the path, if the one who asks may see it; all that a stream keeps."""


def _load_for(session: Session, principal: Principal, order_id: int, permission: str) -> Order:
    order = get_order(session, order_id)
    if not (order.user_id == principal.id or is_permitted(principal, permission)):
        raise OrderNotFound
    return order


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

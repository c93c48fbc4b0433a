from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.items.seeds import sample as sample_items
from apps.orders.models import Order
from apps.orders.seeds import sample


def test_sample_orders_from_the_sample_shop(session: Session) -> None:
    sample_items(session)
    assert sample(session) == 3
    statuses = session.scalars(select(Order.status).order_by(Order.id)).all()
    assert statuses == ["placed", "placed", "cancelled"]


def test_sample_leaves_orders_alone(session: Session) -> None:
    sample_items(session)
    assert (sample(session), sample(session)) == (3, 0)


def test_sample_of_an_empty_catalogue(session: Session) -> None:
    assert sample(session) == 0

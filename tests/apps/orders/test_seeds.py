from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from apps.items.seeds import sample as sample_items
from apps.orders.models import CANCELLED, Order
from apps.orders.queries import sales_by_day
from apps.orders.seeds import CANCELLED_EACH, DAYS_AGO, sample
from apps.users.queries import sign_ups_by_day

ORDERS = len(DAYS_AGO)


def test_sample_orders_from_the_sample_shop(session: Session) -> None:
    sample_items(session)
    assert sample(session) == ORDERS
    cancelled = select(func.count()).where(Order.status == CANCELLED)
    assert session.scalar(cancelled) == ORDERS // CANCELLED_EACH


def test_sample_orders_fill_the_overview(session: Session) -> None:
    sample_items(session)
    sample(session)
    today = datetime.now(UTC).date()
    since = today - timedelta(days=29)
    sales, sign_ups = sales_by_day(session, since=since), sign_ups_by_day(session, since=since)
    assert sum(count for count, _ in sales.values()) == ORDERS - ORDERS // CANCELLED_EACH
    assert len(sales) > 15
    assert len(sign_ups) > 8
    assert max(sales) <= today


def test_sample_orders_are_numbered_as_they_were_placed(session: Session) -> None:
    sample_items(session)
    sample(session)
    moments = session.scalars(select(Order.created_at).order_by(Order.id)).all()
    assert moments == sorted(moments)


def test_sample_leaves_orders_alone(session: Session) -> None:
    sample_items(session)
    assert (sample(session), sample(session)) == (ORDERS, 0)


def test_sample_of_an_empty_catalogue(session: Session) -> None:
    assert sample(session) == 0

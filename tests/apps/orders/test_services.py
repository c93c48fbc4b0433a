from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from apps.items.errors import OutOfStock
from apps.items.services import delete_item
from apps.orders.errors import OrderTooLarge
from apps.orders.models import Order
from apps.orders.queries import get_order
from apps.orders.services import cancel_order, place_order
from project.runtime import Runtime
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory, OrderLineFactory
from tests.factories.users import UserFactory


def test_place_order(session: Session) -> None:
    user = UserFactory()
    mug, lamp = ItemFactory(price=Decimal("18.5"), stock=9), ItemFactory(price=Decimal(129))
    order = place_order(session, user_id=user.id, quantities={lamp.id: 1, mug.id: 2})
    session.expire_all()
    order = get_order(session, order.id)
    assert (order.status, str(order.total), order.user_id) == ("placed", "166.00", user.id)
    assert [(line.item_id, line.quantity) for line in order.lines] == [(lamp.id, 1), (mug.id, 2)]
    assert [str(line.line_total) for line in order.lines] == ["129.00", "37.00"]
    assert (mug.stock, lamp.stock) == (7, 9)


def test_placing_makes_four_statements(session: Session, statements: list[str]) -> None:
    user, items = UserFactory(), ItemFactory.create_batch(20)
    quantities = {item.id: 1 for item in items}
    session.expunge_all()
    statements.clear()
    place_order(session, user_id=user.id, quantities=quantities)
    assert len(statements) == 4  # lock, take, order, lines


def test_an_order_keeps_its_prices(session: Session) -> None:
    item = ItemFactory(name="Mug", price=Decimal("18.50"))
    order = place_order(session, user_id=item.owner_id, quantities={item.id: 1})
    item.name, item.price = "Cup", Decimal(20)
    session.flush()
    session.expire_all()
    (line,) = get_order(session, order.id).lines
    assert (line.name, str(line.unit_price), str(line)) == ("Mug", "18.50", "1 x Mug")


def test_short_stock_orders_nothing(session: Session) -> None:
    item = ItemFactory(stock=1)
    with pytest.raises(OutOfStock):
        place_order(session, user_id=item.owner_id, quantities={item.id: 2})
    assert session.scalar(select(func.count(Order.id))) == 0


def test_total_has_a_limit(session: Session) -> None:
    dear = ItemFactory(price=Decimal("9999999999.99"), stock=1000)
    assert place_order(session, user_id=dear.owner_id, quantities={dear.id: 100}).total < 10**12
    with pytest.raises(OrderTooLarge):
        place_order(session, user_id=dear.owner_id, quantities={dear.id: 101})


def test_cancelling_gives_the_stock_back_once(session: Session) -> None:
    items = ItemFactory.create_batch(2, stock=5)
    quantities = {items[0].id: 1, items[1].id: 5}
    order = place_order(session, user_id=items[0].owner_id, quantities=quantities)
    for _ in range(2):
        assert cancel_order(session, order=order).status == "cancelled"
        assert [item.stock for item in items] == [5, 5]


def test_cancelling_what_somebody_else_cancelled(session: Session) -> None:
    """The order that was loaded says it is placed; what counts is the row."""
    line = OrderLineFactory(item__stock=5)
    order = get_order(session, line.order_id)
    session.connection().exec_driver_sql("UPDATE orders_order SET status = 'cancelled'")
    assert order.status == "placed"
    assert cancel_order(session, order=order).status == "cancelled"
    assert line.item.stock == 5


def test_what_was_ordered_cannot_be_deleted(session: Session, runtime: Runtime) -> None:
    line = OrderLineFactory()
    with pytest.raises(IntegrityError, match="fk_orders_order_line_item_id_items_item"):
        delete_item(session, item=line.item, files=runtime.storage)


def test_who_has_ordered_cannot_be_deleted(session: Session) -> None:
    order = OrderFactory()
    session.delete(order.user)
    with pytest.raises(IntegrityError, match="fk_orders_order_user_id_users_user"):
        session.flush()


@pytest.mark.parametrize("values", [{"status": "lost"}, {"total": Decimal("-0.01")}])
def test_database_refuses_wrong_orders(session: Session, values: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="ck_orders_order"):
        OrderFactory(**values)


@pytest.mark.parametrize("values", [{"quantity": 0}, {"unit_price": Decimal("-0.01")}])
def test_database_refuses_wrong_lines(session: Session, values: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="ck_orders_order_line"):
        OrderLineFactory(**values)


def test_database_refuses_an_item_twice(session: Session) -> None:
    line = OrderLineFactory()
    with pytest.raises(IntegrityError, match="uq_orders_order_line_order_id_item_id"):
        OrderLineFactory(order=line.order, item=line.item)

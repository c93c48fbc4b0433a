from decimal import Decimal

import factory

from apps.orders.models import CANCELLED, Order, OrderLine
from tests.factories.base import Factory
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory


class OrderFactory(Factory):
    """An order of nothing; lines are made by OrderLineFactory(order=…)."""

    class Meta:
        model = Order

    class Params:
        cancelled = factory.Trait(status=CANCELLED)

    user = factory.SubFactory(UserFactory)
    total = Decimal("49.90")


class OrderLineFactory(Factory):
    """One item of an order of its own."""

    class Meta:
        model = OrderLine

    order = factory.SubFactory(OrderFactory)
    item = factory.SubFactory(ItemFactory)
    name = factory.SelfAttribute("item.name")
    unit_price = factory.SelfAttribute("item.price")
    quantity = 1

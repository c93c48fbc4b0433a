from decimal import Decimal

import factory

from apps.items.models import Item
from tests.factories.base import Factory
from tests.factories.users import UserFactory


class ItemFactory(Factory):
    """Something in stock, sold by an account of its own."""

    class Meta:
        model = Item

    class Params:
        sold_out = factory.Trait(stock=0)

    name = factory.Sequence(lambda number: f"Walnut desk lamp {number}")
    description = "Turned by hand."
    price = Decimal("49.90")
    stock = 10
    owner = factory.SubFactory(UserFactory)

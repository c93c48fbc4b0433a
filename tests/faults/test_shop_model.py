"""Whatever sequence of requests comes: the shop does what a few dictionaries say.

Hypothesis makes the sequences up, and shortens one that fails to what is needed for it.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.faults.customers import ITEMS, ORDERS, Answer, Line, opened
from tests.faults.stage import Stage
from tests.processes import Server

pytestmark = pytest.mark.needs("orders")

PRICES = st.decimals("0.00", "99.99", places=2)
STOCKS = st.integers(0, 6)
QUANTITIES = st.integers(1, 4)
BUYERS = st.integers(0, 1)


@dataclass
class Goods:
    """An item as it should be; one that is deleted has no stock."""

    price: Decimal
    stock: int | None
    was_ordered: bool = False


@dataclass
class Bought:
    """An order as it should be, at the prices that there were."""

    buyer: int
    lines: dict[int, int]
    total: Decimal
    key: str
    is_cancelled: bool = False


@dataclass
class Books:
    """All of it, by id."""

    goods: dict[int, Goods] = field(default_factory=dict)
    orders: dict[int, Bought] = field(default_factory=dict)


class ShopMachine(RuleBasedStateMachine):
    """Users, items and orders over HTTP, each beside what it should have become."""

    server: Server
    items = Bundle("items")
    orders = Bundle("orders")

    @initialize()
    def open(self) -> None:
        """Everybody is new here, so that no earlier sequence has a say."""
        shops = [opened(self.server, items=0) for _ in range(2)]
        self.buyers = [Line(self.server.port, shop.token) for shop in shops]
        self.books = Books()

    def teardown(self) -> None:
        for line in self.buyers:
            line.close()

    @rule(target=items, price=PRICES, stock=STOCKS)
    def create_item(self, price: Decimal, stock: int) -> int:
        answer = self._sell("POST", ITEMS, {"name": "A", "price": str(price), "stock": stock})
        assert answer.status == 201
        self.books.goods[answer.body["id"]] = Goods(price, stock)
        return int(answer.body["id"])

    @rule(item=items, price=PRICES, stock=STOCKS)
    def change_item(self, item: int, price: Decimal, stock: int) -> None:
        goods = self.books.goods[item]
        answer = self._sell("PATCH", f"{ITEMS}{item}", {"price": str(price), "stock": stock})
        if goods.stock is None:
            assert answer.status == 404
        else:
            assert answer.status == 200
            goods.price, goods.stock = price, stock

    @rule(item=items)
    def delete_item(self, item: int) -> None:
        goods = self.books.goods[item]
        status = self._sell("DELETE", f"{ITEMS}{item}").status
        assert status == (404 if goods.stock is None else 409 if goods.was_ordered else 204)
        goods.stock = None if status == 204 else goods.stock

    @rule(target=orders, buyer=BUYERS, items=st.lists(items, min_size=1, max_size=3, unique=True),
          quantity=QUANTITIES)  # fmt: skip
    def order(self, buyer: int, items: list[int], quantity: int) -> int:
        key, lines = secrets.token_hex(8), dict.fromkeys(items, quantity)
        answer = self._buy(buyer, lines, key)
        stocks = [self.books.goods[item].stock for item in items]
        if None in stocks:
            assert (answer.status, answer.body["code"]) == (422, "unknown_item")
            return 0
        if min(stock or 0 for stock in stocks) < quantity:
            assert (answer.status, answer.body["code"]) == (409, "out_of_stock")
            return 0
        assert answer.status == 201
        return self._enter(answer, Bought(buyer, lines, self._price(lines), key))

    @rule(order=orders)
    def order_again(self, order: int) -> None:
        """Whoever did not hear the answer sends the same once more, and orders nothing."""
        bought = self.books.orders.get(order)
        if bought is not None:
            answer = self._buy(bought.buyer, bought.lines, bought.key)
            assert (answer.status, answer.body["id"]) == (201, order)

    @rule(order=orders, buyer=BUYERS)
    def cancel(self, order: int, buyer: int) -> None:
        """One's own, as often as one likes; the stock comes back once."""
        bought = self.books.orders.get(order)
        answer = self.buyers[buyer].ask("POST", f"{ORDERS}{order}/cancel")
        if bought is None or bought.buyer != buyer:
            assert answer.status in {404, 422}
        else:
            assert (answer.status, answer.body["status"]) == (200, "cancelled")
            self._take_back(bought)

    @invariant()
    def stock_is_right(self) -> None:
        for item, goods in getattr(self, "books", Books()).goods.items():
            answer = self.buyers[0].ask("GET", f"{ITEMS}{item}")
            assert answer.status == (404 if goods.stock is None else 200)
            if goods.stock is not None:
                found = (answer.body["stock"], Decimal(answer.body["price"]))
                assert found == (goods.stock, goods.price)
                assert goods.stock >= 0

    @invariant()
    def everybody_finds_all_their_orders(self) -> None:
        for number, line in enumerate(getattr(self, "buyers", [])):
            listed = line.ask("GET", f"{ORDERS}?limit=100").body["items"]
            mine = {key: o for key, o in self.books.orders.items() if o.buyer == number}
            assert [order["id"] for order in listed] == sorted(mine, reverse=True)
            for order in listed:
                assert_as_bought(order, mine[order["id"]])

    def _sell(self, method: str, path: str, body: Any = None) -> Answer:
        return self.buyers[0].ask(method, path, body)

    def _buy(self, buyer: int, lines: dict[int, int], key: str) -> Answer:
        body = {"lines": [{"item_id": item, "quantity": n} for item, n in lines.items()]}
        return self.buyers[buyer].ask("POST", ORDERS, body, **{"Idempotency-Key": key})

    def _price(self, lines: dict[int, int]) -> Decimal:
        return sum((self.books.goods[item].price * n for item, n in lines.items()), Decimal(0))

    def _enter(self, answer: Answer, bought: Bought) -> int:
        for item, quantity in bought.lines.items():
            goods = self.books.goods[item]
            goods.was_ordered, goods.stock = True, (goods.stock or 0) - quantity
        self.books.orders[answer.body["id"]] = bought
        return int(answer.body["id"])

    def _take_back(self, bought: Bought) -> None:
        if not bought.is_cancelled:
            bought.is_cancelled = True
            for item, quantity in bought.lines.items():
                goods = self.books.goods[item]
                goods.stock = (goods.stock or 0) + quantity


def assert_as_bought(order: dict[str, Any], bought: Bought) -> None:
    """Its status, its sum, and its lines at the prices that they were bought at."""
    assert order["status"] == ("cancelled" if bought.is_cancelled else "placed")
    assert Decimal(order["total"]) == bought.total
    assert {line["item_id"]: line["quantity"] for line in order["lines"]} == bought.lines
    sums = [Decimal(line["unit_price"]) * line["quantity"] for line in order["lines"]]
    assert sum(sums) == bought.total


@pytest.fixture
def server(stage: Stage) -> Iterator[Server]:
    with stage.serving() as server:
        yield server


def test_any_sequence_of_requests(server: Server) -> None:
    machine = type("Machine", (ShopMachine,), {"server": server})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

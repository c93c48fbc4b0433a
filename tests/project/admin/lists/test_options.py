"""What a view may declare: filters of one's own, texts with few values, and what is refused."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from apps.orders.models import Order, OrderLine
from project.admin.lists.filters import ListFilter
from project.admin.site import AdminSite
from project.admin.views import ModelAdmin
from project.apps import AppConfig
from project.errors import AppError
from project.runtime import Runtime
from project.web.principal import Principal
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderFactory, OrderLineFactory
from tests.factories.users import UserFactory, grant
from tests.project.admin.lists.support import link_to, listed
from tests.project.admin.support import enter

SAMPLE = AppConfig(label="sample", title="Sample")
PATH = "/admin/sample-order/list"


class Dear(ListFilter):
    title = "Price"
    parameter_name = "dear"

    def lookups(self) -> tuple[tuple[str, str], ...]:
        return (("yes", "Over 1,000"),)

    def apply(self, statement: Select[Any], value: str) -> Select[Any]:
        assert value == "yes"
        return statement.where(Order.total > 1000)


@pytest.fixture
def visit(runtime: Runtime, session: Session) -> Iterator[Callable[..., TestClient]]:
    """Declare a view with these options, and come to it as a superuser."""
    with ExitStack() as clients:

        def declare(model: type = Order, **options: Any) -> TestClient:
            app = FastAPI()
            app.state.runtime = runtime
            site = AdminSite(app, runtime)
            make: Any = type(ModelAdmin)
            columns = {"column_list": ["id", "user", *options.pop("columns", ())]}
            if model is not Order:
                columns = {}
            made: Any = make("Declared", (ModelAdmin,), {**columns, **options}, model=model)
            site.register(SAMPLE, made)
            site.seal()
            client = clients.enter_context(TestClient(app, follow_redirects=False))
            enter(client, UserFactory.create(superuser=True))
            return client

        yield declare


def test_filter_of_ones_own(visit: Callable[..., TestClient]) -> None:
    client = visit(list_filter=[Dear])
    dear = OrderFactory.create(total=Decimal(2000))
    OrderFactory.create()
    assert listed(client, PATH, dear="yes") == [dear.id]
    assert client.get(f"{PATH}?dear=no").status_code == 400
    page = client.get(f"{PATH}?_facets=1").text
    assert 'Over 1,000</span><span class="facet">1<' in page


def test_column_of_a_related_row(visit: Callable[..., TestClient]) -> None:
    client = visit(list_filter=["user.is_active", "user.full_name"])
    order = OrderFactory.create(user=UserFactory.create(is_active=False, full_name="Ada"))
    nameless = OrderFactory.create(user=UserFactory.create(full_name=None))
    assert listed(client, PATH, user__is_active="false") == [order.id]
    assert listed(client, PATH, user__full_name="Ada") == [order.id]
    assert listed(client, PATH, user__full_name__isempty="true") == [nameless.id]
    assert link_to(client.get(PATH), "Ada") == "?user__full_name=Ada"


def test_texts_are_choices_as_long_as_they_are_few(visit: Callable[..., TestClient]) -> None:
    client = visit(OrderLine, list_filter=["name"])
    path = "/admin/sample-order-line/list"
    line = OrderLineFactory.create(name="Lamp")
    assert link_to(client.get(path), "Lamp") == "?name=Lamp"
    for number in range(21):
        item = ItemFactory.create(name=f"Chair {number}")
        OrderLineFactory.create(item=item, order=line.order)
    page = client.get(path)
    assert link_to(page, "Lamp") is None
    assert 'name="name"' in page.text


def test_choices_are_of_the_rows_that_one_sees(visit: Callable[..., TestClient]) -> None:
    def rows_for(self: Any, principal: Principal, statement: Select[Any]) -> Select[Any]:
        return statement.where(OrderLine.quantity > 1)

    client = visit(OrderLine, list_filter=["name"], rows_for=rows_for)
    OrderLineFactory.create(name="Hidden")
    OrderLineFactory.create(name="Shown", quantity=2)
    page = client.get("/admin/sample-order-line/list").text
    assert "Shown" in page
    assert "Hidden" not in page


def test_dotted_columns_cost_nothing_per_row(
    visit: Callable[..., TestClient], statements: list[str]
) -> None:
    client = visit(columns=["user.email", "user.full_name"])
    OrderFactory.create_batch(30)
    statements.clear()
    page = client.get(f"{PATH}?pageSize=50")
    assert page.text.count("@example.com") >= 30
    assert len([s for s in statements if "orders_order" in s]) <= 2
    assert not [s for s in statements if "password_hash" in s and "orders_order" in s]


def test_row_without_a_related_one_is_found_and_sorted(visit: Callable[..., TestClient]) -> None:
    client = visit(
        column_searchable_list=["user.full_name", "status"],
        column_sortable_list=["id", "user.full_name"],
    )
    order = OrderFactory.create(user=UserFactory.create(full_name=None))
    assert listed(client, PATH, search="placed") == [order.id]
    assert listed(client, PATH, sortBy="user.full_name") == [order.id]


def test_a_relation_sorts_by_the_key_that_makes_it(visit: Callable[..., TestClient]) -> None:
    client = visit(column_sortable_list=["id", "user"])
    users = UserFactory.create_batch(2)
    orders = [OrderFactory.create(user=user) for user in (users[1], users[0], users[1])]
    expected = [orders[1].id, orders[0].id, orders[2].id]
    assert listed(client, PATH, sortBy="user") == expected
    assert listed(client, PATH, sortBy="user", sort="desc") == expected[::-1]


@pytest.mark.parametrize(
    "sort", ["user.email", "lines.name", "user.password_hash", "total", "nothing", "id,total"]
)
def test_other_sorts_are_refused_with_a_sentence(
    visit: Callable[..., TestClient], sort: str
) -> None:
    client = visit(column_sortable_list=["id", "user"])
    response = client.get(PATH, params={"sortBy": sort})
    assert response.status_code == 400
    assert "This list cannot be sorted by that." in response.text


def test_who_may_not_see_the_related_rows_cannot_sort_by_them(
    visit: Callable[..., TestClient],
) -> None:
    client = visit(column_sortable_list=["id", "user.email"])
    order = OrderFactory.create()
    enter(client, grant(UserFactory.create(staff=True), "orders.view_order"))
    assert listed(client, PATH, sortBy="id") == [order.id]
    assert "sortBy=user.email" not in client.get(PATH).text
    assert client.get(f"{PATH}?sortBy=user.email").status_code == 400
    enter(client, grant(UserFactory.create(staff=True), "orders.view_order", "users.view_user"))
    assert listed(client, PATH, sortBy="user.email") == [order.id]


def test_what_takes_too_long_is_a_sentence(
    visit: Callable[..., TestClient], session: Session
) -> None:
    def search_query(self: Any, stmt: Select[Any], term: str) -> Select[Any]:
        slow = select(func.pg_sleep(30)).scalar_subquery()
        return stmt.where(func.coalesce(func.length(slow.cast(Order.status.type)), 0) == 0)

    client = visit(search_query=search_query, column_searchable_list=["id"], list_timeout=0.1)
    OrderFactory.create()
    response = client.get(f"{PATH}?search=x")
    assert response.status_code == 422
    assert "This takes the database too long." in response.text
    assert client.get(PATH).status_code == 200


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"list_filter": ["nothing"]}, "'nothing', which is neither"),
        ({"list_filter": ["lines"]}, "neither column nor filter"),
        ({"list_filter": ["status", "status"]}, "'status' twice"),
        ({"list_filter": ["user.password_hash"]}, "holds a secret"),
        ({"date_hierarchy": "status"}, "no date"),
        ({"show_facets": "sometimes"}, "always, on request, never"),
        ({"column_sortable_list": ["__tablename__"]}, "no column"),
        ({"column_sortable_list": ["lines"]}, "no column"),
        ({"column_sortable_list": ["lines.name"]}, "'lines.name' may be of several rows"),
        ({"column_default_sort": "lines.name"}, "'lines.name' may be of several rows"),
        ({"column_default_sort": "user.nothing"}, "'user.nothing' is no column"),
        ({"column_sortable_list": ["user.password_hash"]}, "holds a secret"),
        ({"sort_query": lambda *_: None}, "sort_query"),
    ],
)
def test_mistake_ends_the_start(
    visit: Callable[..., TestClient], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(AppError, match=sentence):
        visit(**options)


def test_columns_may_be_attributes(visit: Callable[..., TestClient]) -> None:
    client = visit(date_hierarchy=Order.created_at, list_filter=[Order.status])
    OrderFactory.create()
    assert 'class="dates"' in client.get(PATH).text

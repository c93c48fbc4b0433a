"""Orders and pages: no row is on two pages, none is on none, wherever the NULLs are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from apps.orders.models import Order
from apps.users.models import User
from project.admin.lists.ordering import Ordering, order_by, read_sort
from project.admin.lists.values import WrongValue
from tests.factories.orders import OrderFactory
from tests.factories.users import UserFactory
from tests.project.admin.lists.support import ORDERS, USERS, link_to, listed, rows_of, walk

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def people(session: Session) -> list[User]:
    """Names and sign-ins that repeat, and some that are missing."""
    return [
        UserFactory.create(
            full_name=None if n % 4 == 0 else f"Name {n % 3}",
            last_login_at=None if n % 3 == 0 else NOW + timedelta(days=n % 2),
        )
        for n in range(12)
    ]


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("way", ["next", "prev"])
def test_pages_hold_every_row_once(
    admin: TestClient, people: list[User], sort: str, way: str
) -> None:
    everything = listed(admin, f"{USERS}?sortBy=full_name&sort={sort}")
    path = f"{USERS}?sortBy=full_name&sort={sort}&pageSize=4"
    pages = walk(admin, path if way == "next" else f"{path}&page=last", way)
    pages = pages if way == "next" else pages[::-1]
    assert [row for page in pages for row in page] == everything
    assert len(everything) == len(people) + 1


@pytest.mark.parametrize("way", [False, True])
def test_every_mix_of_directions_and_nulls(
    session: Session, people: list[User], *, way: bool
) -> None:
    ordering = order_by(User, ["id"], [("full_name", way), ("last_login_at", not way)])
    rows = _all(session, ordering)
    assert {user.id for user in rows} == {user.id for user in people}
    for number, user in enumerate(rows):
        position = [user.full_name, user.last_login_at, user.id]
        cursor = ordering.write_cursor(position)
        assert cursor is not None
        assert ordering.read_cursor(cursor) == position
        assert _all(session, ordering, position) == rows[number + 1 :]
        assert _all(session, ordering, position, is_reversed=True) == rows[:number][::-1]


def _all(session: Session, ordering: Ordering, position: Any = None, **way: bool) -> list[User]:
    statement, columns = ordering.join(select(User))
    if position is not None:
        statement = statement.where(ordering.behind(columns, position, **way))
    return list(session.scalars(statement.order_by(*ordering.clauses(columns, **way))))


def test_related_column_sorts_without_losing_rows(session: Session) -> None:
    orders = [OrderFactory.create() for _ in range(3)]
    ordering = order_by(Order, ["id"], [("user.email", False)])
    statement, columns = ordering.join(select(Order))
    found = session.scalars(statement.order_by(*ordering.clauses(columns))).all()
    assert [order.user_id for order in found] == [
        order.user_id for order in sorted(orders, key=lambda order: order.user.email)
    ]


def test_several_columns_in_an_address(admin: TestClient) -> None:
    cheap, dear = (OrderFactory.create(total=Decimal(total)) for total in (1, 2))
    also = OrderFactory.create(total=Decimal(1))
    assert listed(admin, ORDERS, sortBy="total,-id") == [also.id, cheap.id, dear.id]
    assert read_sort("total,-id", is_descending=True) == [("total", True), ("id", True)]


def test_deep_page_asks_for_no_offset(admin: TestClient, statements: list[str]) -> None:
    OrderFactory.create_batch(6)
    following = link_to(admin.get(f"{ORDERS}?pageSize=2&page=2"), "next")
    statements.clear()
    assert len(rows_of(admin.get(f"{ORDERS}{following}"))) == 2
    assert not [s for s in statements if "OFFSET" in s]


def test_page_says_where_it_is(admin: TestClient) -> None:
    OrderFactory.create_batch(5)
    page = admin.get(f"{ORDERS}?pageSize=2")
    assert "Page 1 of 3" in page.text
    page = admin.get(f"{ORDERS}{link_to(page, 'next')}")
    assert "Page 2 of 3" in page.text
    page = admin.get(f"{ORDERS}{link_to(page, 'Last')}")
    assert "Last page" in page.text
    page = admin.get(f"{ORDERS}{link_to(page, 'First')}")
    assert "Page 1 of 3" in page.text


def test_another_order_begins_at_the_first_page(admin: TestClient) -> None:
    OrderFactory.create_batch(5)
    page = admin.get(f"{ORDERS}{link_to(admin.get(f'{ORDERS}?pageSize=2'), 'next')}")
    for name in ("Total", "Cancelled"):
        address = link_to(page, name)
        assert address is not None
        assert "after" not in address
        assert "page=" not in address
        assert "pageSize=2" in address


def test_cursor_of_another_order_is_refused(admin: TestClient) -> None:
    OrderFactory.create_batch(5)
    following = link_to(admin.get(f"{ORDERS}?pageSize=2"), "next")
    response = admin.get(f"{ORDERS}{following}&sortBy=total")
    assert response.status_code == 400
    assert "belongs to another order" in response.text


@pytest.mark.parametrize("cursor", ["", "e30", "W10", "WyJpZCJd", "WyJpZCIsbnVsbF0", "!!", "\0"])
def test_cursor_that_is_none(cursor: str) -> None:
    with pytest.raises(WrongValue):
        order_by(User, ["id"], []).read_cursor(cursor)

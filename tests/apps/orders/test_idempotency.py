"""Sending a request again, one at a time; test_concurrency.py sends them all at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.orders.idempotency import LIFETIME, SWEEP
from apps.orders.models import IdempotencyKey, Order
from apps.users.models import User
from tests.apps.orders.test_api_v1 import ORDERS, assert_problem, lines
from tests.factories.items import ItemFactory
from tests.factories.users import UserFactory

Headers = dict[str, str]
SignIn = Callable[[User], Headers]


@pytest.fixture
def buyer(headers_for: SignIn) -> Headers:
    return headers_for(UserFactory())


@pytest.fixture
def item(session: Session) -> Item:
    found: Item = ItemFactory(stock=10)
    return found


def buy(client: TestClient, headers: Headers, body: Any, key: str | None = "7d1c") -> Any:
    named = {} if key is None else {"Idempotency-Key": key}
    return client.post(ORDERS, json=body, headers={**headers, **named})


def count(session: Session, column: Any) -> int:
    return session.scalar(select(func.count(column))) or 0


def expire(session: Session, key: str) -> None:
    age = {"created_at": func.now() - LIFETIME - timedelta(seconds=1)}
    session.execute(update(IdempotencyKey).where(IdempotencyKey.key == key).values(age))
    session.commit()


def test_again_is_the_same(
    client: TestClient, buyer: Headers, item: Item, session: Session
) -> None:
    first = buy(client, buyer, lines((item.id, 1)))
    client.post(f"{ORDERS}{first.json()['id']}/cancel", headers=buyer)
    again = buy(client, buyer, lines((item.id, 1)))
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again.headers["content-type"]) == (
        first.content,
        first.headers["content-type"],
    )
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert count(session, Order.id) == 1


def test_without_a_key_every_request_counts(
    client: TestClient, buyer: Headers, item: Item, session: Session
) -> None:
    answers = [buy(client, buyer, lines((item.id, 1)), key) for key in (None, None, "a", "b")]
    assert [sorted(answer.json()) for answer in answers] == [sorted(answers[0].json())] * 4
    assert count(session, Order.id) == 4


def test_same_lines_in_another_order_are_the_same(
    client: TestClient, buyer: Headers, item: Item
) -> None:
    pairs = [(item.id, 1), (ItemFactory().id, 2)]
    first = buy(client, buyer, lines(*pairs))
    assert buy(client, buyer, lines(*reversed(pairs))).content == first.content


def test_other_lines_under_the_same_key(client: TestClient, buyer: Headers, item: Item) -> None:
    buy(client, buyer, lines((item.id, 1)))
    for body in (lines((item.id, 2)), lines((ItemFactory().id, 1))):
        assert_problem(buy(client, buyer, body), 422, code="idempotency_key_reused")


def test_a_key_belongs_to_its_account(
    client: TestClient, buyer: Headers, item: Item, headers_for: SignIn
) -> None:
    mine = buy(client, buyer, lines((item.id, 1)))
    theirs = buy(client, headers_for(UserFactory()), lines((item.id, 2)))
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


def test_failure_is_not_remembered(
    client: TestClient, buyer: Headers, item: Item, session: Session
) -> None:
    """What was out of stock may be there when the client asks again."""
    assert buy(client, buyer, lines((item.id, 11))).status_code == 409
    item.stock = 11
    session.commit()
    answer = buy(client, buyer, lines((item.id, 11)))
    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (201, False)


def test_keys_expire(client: TestClient, buyer: Headers, item: Item, session: Session) -> None:
    first = buy(client, buyer, lines((item.id, 1)))
    expire(session, "7d1c")
    second = buy(client, buyer, lines((item.id, 2)))
    again = buy(client, buyer, lines((item.id, 2)))
    assert (second.status_code, second.json()["id"] > first.json()["id"]) == (201, True)
    assert (again.content, count(session, IdempotencyKey.id)) == (second.content, 1)


def test_new_keys_clear_expired_ones_away(
    client: TestClient, buyer: Headers, item: Item, session: Session
) -> None:
    user_id = session.scalar(select(func.max(User.id)))
    old = func.now() - LIFETIME * 2
    values = {"user_id": user_id, "fingerprint": b"", "created_at": old}
    session.add_all(IdempotencyKey(key=f"old{n}", **values) for n in range(SWEEP + 1))
    session.commit()
    buy(client, buyer, lines((item.id, 1)), "first")
    assert count(session, IdempotencyKey.id) == 2
    buy(client, buyer, lines((item.id, 1)), "second")
    assert count(session, IdempotencyKey.id) == 2


@pytest.mark.parametrize("key", ["!", "~" * 255, "'; DROP TABLE x;--".replace(" ", "")])
def test_keys_that_are_taken(client: TestClient, buyer: Headers, item: Item, key: str) -> None:
    first = buy(client, buyer, lines((item.id, 1)), key)
    assert buy(client, buyer, lines((item.id, 1)), key).content == first.content


@pytest.mark.parametrize("key", ["", "a b", "a\tb", "x" * 256, "\x7f", "\xe4", "\xff", "a\n"])
def test_keys_that_are_none(
    client: TestClient, buyer: Headers, item: Item, session: Session, key: str
) -> None:
    headers = [(name.encode(), value.encode()) for name, value in buyer.items()]
    headers.append((b"Idempotency-Key", key.encode("latin-1")))
    answer = client.post(ORDERS, json=lines((item.id, 1)), headers=headers)
    assert_problem(answer, 422, code="invalid")
    assert answer.json()["errors"][0]["loc"] == ["header", "Idempotency-Key"]
    assert count(session, Order.id) == 0


def test_anonymous_claims_nothing(client: TestClient, item: Item, session: Session) -> None:
    assert_problem(buy(client, {}, lines((item.id, 1))), 401)
    assert count(session, IdempotencyKey.id) == 0


def test_keys_and_replays_are_documented(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()["paths"][ORDERS]["post"]
    (header,) = [found for found in document["parameters"] if found["in"] == "header"]
    created = document["responses"]["201"]
    assert (header["name"], header["required"]) == ("Idempotency-Key", False)
    assert "Idempotency-Replayed" in created["headers"]
    assert created["content"]["application/json"]["schema"]["$ref"].endswith("/OrderRead")

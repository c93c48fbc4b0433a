"""Many buyers at once: what is sold is what was there, and nobody waits for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient, Response
from loguru import logger
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from apps.items.models import Item
from apps.orders.models import IdempotencyKey, Order
from apps.users.models import User
from project.application import create_application
from project.settings import Settings
from tests.apps.orders.test_api_v1 import ORDERS, lines
from tests.database import TestDatabase, wait_until_blocked
from tests.factories.items import ItemFactory
from tests.factories.orders import OrderLineFactory
from tests.factories.users import UserFactory

pytestmark = [pytest.mark.committed, pytest.mark.anyio]

LOCK = text("SELECT 1 FROM items_item WHERE id = :id FOR UPDATE")

SignIn = Callable[[User], dict[str, str]]


@pytest.fixture
async def crowd(settings: Settings, database: TestDatabase) -> AsyncIterator[AsyncClient]:
    """A client for many requests at once; they may queue for as long as a busy machine takes."""
    patient = settings.database.model_copy(update={"queue_timeout": 60.0})
    app = create_application(settings.model_copy(update={"database": patient}), database=database)
    async with AsyncClient(
        transport=ASGITransport(app), base_url="http://testserver", timeout=60
    ) as client:
        yield client
    assert_idle(app)


@pytest.fixture
def retries() -> Iterator[list[str]]:
    """The transactions that were run again."""
    written: list[str] = []

    def keep(line: str) -> None:
        if "runs again" in line:
            written.append(line)

    sink = logger.add(keep, level=0, format="{message} {extra}")
    yield written
    logger.remove(sink)


async def test_200_buyers_of_100_pieces(
    crowd: AsyncClient, session: Session, headers_for: SignIn
) -> None:
    item = ItemFactory(stock=100)
    buyers = [headers_for(user) for user in UserFactory.create_batch(200)]
    body = lines((item.id, 1))
    answers = await asyncio.gather(*(crowd.post(ORDERS, json=body, headers=b) for b in buyers))
    session.refresh(item)
    assert outcomes(answers) == {"placed": 100, "out_of_stock": 100}
    assert (item.stock, session.scalar(select(func.count(Order.id)))) == (0, 100)


async def test_crosswise_orders_never_wait_for_each_other(
    crowd: AsyncClient, session: Session, headers_for: SignIn, retries: list[str]
) -> None:
    one, other = ItemFactory.create_batch(2, stock=30)
    bodies = [lines((one.id, 1), (other.id, 1)), lines((other.id, 1), (one.id, 1))]
    headers = headers_for(UserFactory())
    answers = await asyncio.gather(
        *(crowd.post(ORDERS, json=body, headers=headers) for body in bodies * 20)
    )
    assert outcomes(answers) == {"placed": 30, "out_of_stock": 10}
    assert (session.scalars(select(Item.stock)).all(), retries) == ([0, 0], [])


async def test_20_cancellations_give_the_stock_back_once(
    crowd: AsyncClient, session: Session, headers_for: SignIn
) -> None:
    bought = OrderLineFactory(quantity=3, item__stock=7)
    headers = headers_for(bought.order.user)
    url = f"{ORDERS}{bought.order_id}/cancel"
    answers = await asyncio.gather(*(crowd.post(url, headers=headers) for _ in range(20)))
    session.refresh(bought.item)
    assert {answer.json()["status"] for answer in answers} == {"cancelled"}
    assert bought.item.stock == 10


async def test_buying_and_cancelling_at_once(
    crowd: AsyncClient, session: Session, headers_for: SignIn, retries: list[str]
) -> None:
    """Both lock the same items, one after an order's row and one before it."""
    items = ItemFactory.create_batch(3, stock=100)
    headers = headers_for(UserFactory())
    body = lines(*((item.id, 1) for item in reversed(items)))

    async def buy_and_cancel() -> str:
        order = (await crowd.post(ORDERS, json=body, headers=headers)).json()
        cancelled = await crowd.post(f"{ORDERS}{order['id']}/cancel", headers=headers)
        return str(cancelled.json()["status"])

    statuses = await asyncio.gather(*(buy_and_cancel() for _ in range(30)))
    session.expire_all()
    assert (set(statuses), [item.stock for item in items]) == ({"cancelled"}, [100] * 3)
    assert retries == []


async def test_one_key_20_times_at_once(
    crowd: AsyncClient, session: Session, headers_for: SignIn
) -> None:
    """One order is placed, and all 20 hear the same of it."""
    item, headers = ItemFactory(stock=50), headers_for(UserFactory())
    headers["Idempotency-Key"] = "7d1c"
    body = lines((item.id, 2))
    answers = await asyncio.gather(
        *(crowd.post(ORDERS, json=body, headers=headers) for _ in range(20))
    )
    session.refresh(item)
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (201, answers[0].content)
    }
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 19
    assert (item.stock, session.scalar(select(func.count(Order.id)))) == (48, 1)


async def test_an_attempt_that_fails_makes_way(
    crowd: AsyncClient, session: Session, headers_for: SignIn
) -> None:
    """There is nothing to sell: each of the waiting takes the key over, and fails for itself."""
    item, headers = ItemFactory(stock=0), headers_for(UserFactory())
    headers["Idempotency-Key"] = "7d1c"
    answers = await asyncio.gather(
        *(crowd.post(ORDERS, json=lines((item.id, 1)), headers=headers) for _ in range(20))
    )
    assert outcomes(answers) == {"out_of_stock": 20}
    assert session.scalar(select(func.count(IdempotencyKey.id))) == 0


def test_an_order_that_lost_a_deadlock_is_placed(
    client: TestClient, session: Session, headers_for: SignIn, retries: list[str]
) -> None:
    """Somebody who knows nothing of our order locks the items the other way round."""
    one, other = ItemFactory.create_batch(2, stock=5)
    headers = {**headers_for(UserFactory()), "Idempotency-Key": "7d1c"}
    body = lines((one.id, 1), (other.id, 1))
    session.execute(text("SET LOCAL deadlock_timeout = '1min'"))  # the order finds it out, not we
    session.execute(LOCK, {"id": other.id})
    with ThreadPoolExecutor(1) as pool:
        order = pool.submit(client.post, ORDERS, json=body, headers=headers)
        wait_until_blocked(session)
        session.execute(LOCK, {"id": one.id})
        session.commit()
        assert order.result().status_code == 201
    session.expire_all()
    assert (one.stock, other.stock, len(retries)) == (4, 4, 1)


def outcomes(answers: list[Response]) -> dict[str, int]:
    """Count the answers by the order's status or the problem's code."""
    bodies: list[dict[str, Any]] = [answer.json() for answer in answers]
    words = [body.get("code", body["status"]) for body in bodies]
    return {word: words.count(word) for word in words}


def assert_idle(app: FastAPI) -> None:
    """Whatever happened, nothing is held: not in the lane, not in the pool."""
    lane = app.state.runtime.lanes.database
    assert (lane.running, lane.waiting) == (0, 0)
    assert app.state.runtime.database.engine.pool.checkedout() <= 1  # the test's own session
    app.state.runtime.lanes.close()

"""Somebody holds a lock: nobody waits for long, and nobody waits behind whoever waits."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from project.db.engine import create_single_engine
from project.settings import DatabaseSettings
from tests.faults.customers import ITEMS, ORDERS, Ledger, opened, shopping, talking
from tests.faults.figures import note
from tests.faults.stage import Stage
from tests.processes import until

pytestmark = pytest.mark.needs("orders")

ALTER = "ALTER TABLE items_item ADD COLUMN added text"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@contextmanager
def transaction(stage: Stage, statement: str, *values: object) -> Iterator[psycopg.Connection[Any]]:
    """Begin one that does this, and does not end."""
    with stage.connect() as connection:
        connection.autocommit = False
        connection.execute(statement, values)
        yield connection
        connection.rollback()


def test_row_lock_is_held(stage: Stage) -> None:
    """The order is refused soon, and those of other items are placed meanwhile."""
    with stage.serving() as server:
        shop = opened(server)
        bodies = [{"lines": [{"item_id": item, "quantity": 1}]} for item in shop.items[:2]]
        lock = "SELECT FROM items_item WHERE id = %s FOR UPDATE"
        with talking(server, shop.token) as line, transaction(stage, lock, shop.items[0]):
            refused, placed = (line.ask("POST", ORDERS, body) for body in bodies)
            read = line.ask("GET", f"{ITEMS}{shop.items[0]}")
        assert (refused.status, refused.body["code"]) == (503, "database_busy")
        assert (placed.status, read.status) == (201, 200)
        assert refused.headers["retry-after"] == "1"
        note("row lock held: the refusal", refused.seconds)
        assert refused.seconds < 2.5


def test_alter_behind_a_long_transaction(stage: Stage) -> None:
    """Readers queue behind the migration for as long as it waits, which is not long."""
    with stage.serving() as server:
        shop = opened(server)
        with (
            shopping(server, shop, buyers=2, readers=4) as ledger,
            transaction(stage, "SELECT FROM items_item LIMIT 1"),
            ThreadPoolExecutor(1) as pool,
        ):
            attempt = pool.submit(alter, stage)
            until(lambda: stage.number(WAITING), "the migration's wait")
            with pytest.raises(DBAPIError, match="lock timeout"):
                attempt.result()
            settle(ledger)
    slowest = max(answer.seconds for answer in ledger.answers)
    note("ALTER TABLE behind a long transaction: slowest request", slowest)
    assert set(ledger.statuses) <= {200, 201, 503}
    assert slowest < 3


def alter(stage: Stage) -> None:
    """Change the table over a connection as `manage.py migrate` opens it."""
    engine = create_single_engine(stage.postgres.url(), DatabaseSettings())
    with engine.begin() as connection:
        connection.execute(text(ALTER))


def settle(ledger: Ledger) -> None:
    """Wait for a few answers more."""
    enough = len(ledger.answers) + 50
    until(lambda: len(ledger.answers) >= enough, "the load")

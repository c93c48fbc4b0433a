"""Servers are ended, and workers killed: who notices it, and what stays behind."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.balancing import Balancer, ask_everywhere
from tests.faults.customers import ITEMS, ORDERS, Line, opened, talking
from tests.faults.figures import note
from tests.faults.stage import Stage
from tests.faults.test_locks import WAITING, transaction
from tests.processes import until
from tests.project.management.workers import workers_of

pytestmark = pytest.mark.needs("orders", "health")

PATIENT = {"DATABASE_LOCK_TIMEOUT": "14", "DATABASE_STATEMENT_TIMEOUT": "14"}
LOCK = "SELECT FROM items_item WHERE id = %s FOR UPDATE"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_under_load_with_another_server(stage: Stage, workers: str) -> None:
    """A release: one of two servers is told to end while both are asked; no request fails."""
    statuses: list[int] = []
    words = ("--workers", workers)
    with stage.serving(*words, SHUTDOWN_DELAY="1") as leaving, stage.serving() as staying:
        balancer, is_over = Balancer([leaving, staying]), threading.Event()

        def shop() -> None:
            while not is_over.is_set():
                ask_everywhere(balancer, ITEMS, statuses)

        with balancer.looking(), ThreadPoolExecutor(4) as pool:
            customers = [pool.submit(shop) for _ in range(4)]
            try:
                until(lambda: len(statuses) > 200, "the load")
                assert leaving.end(signal.SIGTERM) == 0
                assert balancer.ready == {staying.port}
                enough = len(statuses) + 200
                until(lambda: len(statuses) > enough, "the load")
            finally:
                is_over.set()
        for customer in customers:
            customer.result()
    note("SIGTERM under load: failed requests", len(statuses) - statuses.count(200), "requests")
    assert set(statuses) == {200}


def test_request_in_flight_past_the_limit(stage: Stage) -> None:
    """The server does not wait longer than it may, and nothing comes of the request."""
    with stage.serving(SHUTDOWN_TIMEOUT="1", **PATIENT) as server:
        shop = opened(server)
        before = stage.number("SELECT count(*) FROM orders_order")
        body = {"lines": [{"item_id": shop.items[0], "quantity": 1}]}
        with (
            talking(server, shop.token) as line,
            ThreadPoolExecutor(1) as pool,
            transaction(stage, LOCK, shop.items[0]),
        ):
            answer = pool.submit(line.ask, "POST", ORDERS, body)
            until(lambda: stage.number(WAITING), "the order's wait")
            began = stage.now()
            server.end(signal.SIGTERM)
            ended = stage.now() - began
            note("in flight past SHUTDOWN_TIMEOUT=1: the end", ended)
            assert ended < 5
            assert answer.result().status != 201
            until(lambda: not stage.number(WAITING), "the end of the order's transaction")
        assert stage.number("SELECT count(*) FROM orders_order") == before


def test_kill_in_a_write(stage: Stage) -> None:
    """Its locks come free at once, though its statement would wait on; and another one serves."""
    with stage.serving("--workers", "2", **PATIENT) as server:
        until(lambda: len(workers_of(server)) == 2, "the second worker")
        shop = opened(server)
        first, second = shop.items[:2]
        body = {"lines": [{"item_id": item, "quantity": 1} for item in (first, second)]}
        line = Line(server.port, shop.token)
        with ThreadPoolExecutor(1) as pool, transaction(stage, LOCK, second):
            answer = pool.submit(line.ask, "POST", ORDERS, body)
            until(lambda: stage.number(WAITING), "the order's wait")
            for victim in workers_of(server):
                os.kill(int(victim), signal.SIGKILL)
            killed = stage.now()
            assert answer.result().status == 0
            with transaction(stage, LOCK, first):
                note("kill -9 in a write: the lock is free", stage.now() - killed)
                assert stage.now() - killed < 4
        line.close()
        until(lambda: server.read(ITEMS)[0] == 200, "another worker")
        note("kill -9 of both workers: served again", stage.now() - killed)
        query = "SELECT count(*) FROM orders_order_line WHERE item_id = %s"
        assert stage.number(query, first) == 0

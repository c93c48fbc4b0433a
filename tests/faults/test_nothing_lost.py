"""Whatever is killed under a load of orders: what was told is kept, and nothing by half."""

import http.client
import os
import signal
from collections.abc import Callable
from functools import partial

import pytest

from tests.faults.accounts import assert_nothing_lost
from tests.faults.customers import CUT_OFF, Ledger, opened, shopping
from tests.faults.stage import Stage
from tests.processes import Server, until
from tests.project.management.workers import workers_of

pytestmark = pytest.mark.needs("orders")

TOLD = {http.client.CREATED, http.client.SERVICE_UNAVAILABLE, CUT_OFF}
REQUESTS = 10_000


def kill_worker(server: Server) -> None:
    os.kill(int(min(workers_of(server))), signal.SIGKILL)


def crash_and_start(stage: Stage) -> None:
    stage.crash()
    stage.start()


def test_kills_under_a_load_of_orders(stage: Stage) -> None:
    """A worker, PostgreSQL as a whole, a worker, one backend: each after 2,000 requests."""
    with stage.serving("--workers", "2") as server:
        until(lambda: len(workers_of(server)) == 2, "the second worker")
        shop = opened(server)
        worker = partial(kill_worker, server)
        blows: list[Callable[[], None]] = [
            worker,
            partial(crash_and_start, stage),
            worker,
            stage.crash_backend,
        ]
        with shopping(server, shop, buyers=8, readers=0) as ledger:
            strike(ledger, blows)
        until(lambda: not stage.backends_at_work(), "the last transactions")
        assert_nothing_lost(stage, shop, ledger)
    assert set(ledger.statuses) <= TOLD
    assert len(ledger.acknowledged) > REQUESTS / 2


def strike(ledger: Ledger, blows: list[Callable[[], None]]) -> None:
    """Spread the blows evenly over the requests, and wait for the last of them."""
    step = REQUESTS // (len(blows) + 1)
    for number, blow in enumerate(blows, 1):
        until(lambda share=number * step: len(ledger.answers) >= share, "the load")  # type: ignore[misc]
        blow()
    until(lambda: len(ledger.answers) >= REQUESTS, "the end of the load")

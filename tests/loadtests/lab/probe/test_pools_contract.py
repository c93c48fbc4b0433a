"""What the probe uses of SQLAlchemy's private parts."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import AsyncAdaptedQueuePool, QueuePool, create_engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from loadtests.lab.probe.pools import pools, watch_pools
from tests.database import TestDatabase


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QueuePool, "_do_get", QueuePool._do_get)  # put back afterwards
    watch_pools()


@pytest.fixture
def small_pool(watched: None, engine_database: TestDatabase) -> Iterator[QueuePool]:
    engine = create_engine(
        engine_database.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.05
    )
    assert isinstance(engine.pool, QueuePool)
    yield engine.pool
    engine.dispose()


def test_who_waits_in_vain_is_counted_once(small_pool: QueuePool) -> None:
    first = small_pool.connect()
    with pytest.raises(PoolTimeout):
        small_pool.connect()
    first.close()
    (seen,) = [seen for pool, seen in pools() if pool is small_pool]
    assert (seen.timeouts, seen.waiting) == (1, 0)
    assert seen.wait_seconds >= 0.05


def test_who_waits_now_is_seen(small_pool: QueuePool) -> None:
    small_pool._timeout = 30
    first = small_pool.connect()
    (seen,) = [seen for pool, seen in pools() if pool is small_pool]
    waiting = threading.Thread(target=lambda: small_pool.connect().close())
    waiting.start()
    while not seen.waiting:
        threading.Event().wait(0.001)
    first.close()
    waiting.join()
    assert (seen.waiting, seen.timeouts) == (0, 0)


def test_the_async_pool_waits_by_the_same_way() -> None:
    assert AsyncAdaptedQueuePool._do_get is QueuePool._do_get

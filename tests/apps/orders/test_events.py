"""Server-sent events, end to end."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from apps.orders.models import Order
from apps.users.models import User
from project.application import create_application
from project.runtime import Runtime
from project.settings import Settings
from tests.apps.orders.shop import CONNECTIONS, Shop, cancel, opened_shop, path_of
from tests.database import TestDatabase
from tests.factories.orders import OrderFactory
from tests.factories.users import UserFactory
from tests.processes import environment_for, serving, until
from tests.streams import EventStream, SilentReader

SignIn = Callable[[User], dict[str, str]]

LISTENERS = (
    "SELECT pid FROM pg_stat_activity "
    "WHERE application_name LIKE '%listener' AND datname = current_database()"
)


class TestWhoMay:
    def test_anonymous_may_not(self, client: TestClient) -> None:
        answer = client.get(path_of(OrderFactory()))
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")

    def test_strangers_hear_of_no_order(self, client: TestClient, headers_for: SignIn) -> None:
        headers = headers_for(UserFactory())
        for path in (path_of(OrderFactory()), "/api/v1/orders/9999/events"):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")


class Live(NamedTuple):
    """The application behind a real socket, in this process, where one can look into it."""

    port: int
    runtime: Runtime

    def follow(self, order: Order, headers: dict[str, str]) -> EventStream:
        return EventStream(self.port, path_of(order), headers)

    def is_idle(self) -> bool:
        """Whether nobody watches and nothing is held."""
        pools = (self.runtime.database.engine.pool, self.runtime.async_database.engine.pool)
        gates = (*self.runtime.lanes, self.runtime.async_gate)
        held = sum(pool.checkedout() for pool in pools)  # type: ignore[attr-defined]
        return not (len(self.runtime.feeds) or held or any(gate.running for gate in gates))


@pytest.fixture
def live(settings: Settings, database: TestDatabase, session: Session) -> Iterator[Live]:
    app = create_application(settings, database=database)
    config = uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, "the server")
    port: int = server.servers[0].sockets[0].getsockname()[1]
    yield Live(port, app.state.runtime)
    app.state.runtime.feeds.end_all()
    server.should_exit = True
    thread.join()


@pytest.mark.committed
class TestStream:
    def test_present_status_then_changes(
        self, live: Live, session: Session, headers_for: SignIn
    ) -> None:
        order = OrderFactory()
        with closing(live.follow(order, headers_for(order.user))) as stream:
            assert stream.response.headers["Content-Type"].startswith("text/event-stream")
            event = stream.next()
            assert event is not None
            assert (event["event"], int(event["retry"]) >= 1000) == ("status", True)
            assert event["data"].replace(" ", "") == f'{{"id":{order.id},"status":"placed"}}'
            cancel(session, order)
            assert stream.data() == {"id": order.id, "status": "cancelled"}

    def test_broken_connection_loses_nothing(
        self, live: Live, session: Session, headers_for: SignIn
    ) -> None:
        """A change while nobody listens arrives when somebody listens again."""
        order = OrderFactory()
        with closing(live.follow(order, headers_for(order.user))) as stream:
            assert stream.data()["status"] == "placed"
            until(lambda: listeners(session), "the connection that listens")
            (pid,) = listeners(session)
            session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            cancel(session, order)
            assert stream.data()["status"] == "cancelled"

    def test_silent_reader_delays_nobody(
        self, live: Live, session: Session, headers_for: SignIn
    ) -> None:
        order = OrderFactory()
        headers = headers_for(order.user)
        silent = [SilentReader(live.port, path_of(order), headers) for _ in range(20)]
        until(lambda: len(live.runtime.feeds) == 20, "the silent ones")
        with closing(live.follow(order, headers)) as stream:
            assert stream.data()["status"] == "placed"
            cancel(session, order)
            began = time.monotonic()
            assert stream.data()["status"] == "cancelled"
            assert time.monotonic() - began < 5
        for reader in silent:
            reader.vanish()
        until(live.is_idle, "everything to be given back")

    def test_vanished_clients_leave_nothing_behind(self, live: Live, headers_for: SignIn) -> None:
        """Some before their first event, some after it."""
        order = OrderFactory()
        headers = headers_for(order.user)
        streams = [live.follow(order, headers) for _ in range(20)]
        assert all(stream.data() for stream in streams)
        early = [SilentReader(live.port, path_of(order), headers) for _ in range(20)]
        for stream in streams:
            stream.close()
        for reader in early:
            reader.vanish()
        until(live.is_idle, "everything to be given back")
        with closing(live.follow(order, headers)) as stream:
            assert stream.data()["status"] == "placed"


def listeners(session: Session) -> list[int]:
    session.rollback()  # its view of pg_stat_activity
    return list(session.scalars(text(LISTENERS)))


@pytest.fixture
def shop(engine_database: TestDatabase, runtime: Runtime) -> Iterator[Shop]:
    with opened_shop(engine_database.engine, runtime) as shop:
        yield shop


def test_500_streams_cost_one_connection(shop: Shop, tmp_path: Path) -> None:
    env = environment_for(shop.url, DATABASE_POOL_SIZE="5")
    words = ("runserver", "--no-reload")
    with serving(*words, env=env, log=tmp_path / "log") as server, ExitStack() as stack:

        def follow(_: int) -> EventStream:
            return EventStream(server.port, shop.path, shop.headers)

        with ThreadPoolExecutor(10) as pool:
            streams = list(pool.map(follow, range(500)))
        for stream in streams:
            stack.callback(stream.close)
        assert all(stream.data()["status"] == "placed" for stream in streams)
        assert len(server.read("/api/v1/items/")) == 2
        assert shop.count(f"{CONNECTIONS} AND application_name LIKE '%listener'") == 1
        assert shop.count() <= 14
        assert shop.count(f"{CONNECTIONS} AND state <> 'idle'") == 0
        shop.cancel()
        assert all(stream.data()["status"] == "cancelled" for stream in streams)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_ends_streams(shop: Shop, tmp_path: Path, workers: str) -> None:
    """Properly, with the last chunk, and long before the shutdown's deadline."""
    words = ("runserver", "--no-reload", "--workers", workers)
    with serving(*words, env=environment_for(shop.url), log=tmp_path / "log") as server:
        streams = [EventStream(server.port, shop.path, shop.headers) for _ in range(10)]
        assert all(stream.data() for stream in streams)
        began = time.monotonic()
        assert server.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 10
        assert [stream.next() for stream in streams] == [None] * 10
        assert "Traceback" not in server.output
        for stream in streams:
            stream.close()

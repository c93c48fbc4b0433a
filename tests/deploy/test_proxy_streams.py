"""Server-sent events through the proxy."""

from pathlib import Path

import pytest

from project.runtime import Runtime
from tests.apps.orders.shop import opened_shop
from tests.database import TestDatabase
from tests.deploy.proxies import proxying
from tests.processes import environment_for, serving
from tests.streams import EventStream


@pytest.mark.needs("orders")
def test_events_come_at_once(
    engine_database: TestDatabase, runtime: Runtime, tmp_path: Path
) -> None:
    """The first while nothing else follows, the second as soon as there is one."""
    with (
        opened_shop(engine_database.engine, runtime) as shop,
        serving(
            "runserver", "--no-reload", env=environment_for(shop.url), log=tmp_path / "log"
        ) as server,
        proxying(server.port) as proxy,
    ):
        stream = EventStream(proxy.port, shop.path, shop.headers)
        assert stream.data()["status"] == "placed"
        shop.cancel()
        assert stream.data()["status"] == "cancelled"
        stream.close()

"""The disk is full: nothing is written, everything is read, and it heals when there is room."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.customers import ITEMS, ORDERS, opened, talking
from tests.faults.stage import Stage

pytestmark = pytest.mark.needs("orders")

TABLES = ("orders_order", "orders_order_line", "orders_idempotency_key", "audit_change")
FILLER = "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, {})"
BATCHES = (10_000, 1_000, 100, 10, 1)
MANY = 100
"""Orders that need more room than what is left in the pages that there are."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk of 24 MB in memory, for which one has to be root."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a small disk is mounted by root, on the platform Linux")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this platform mounts no disk: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def tables_on(stage: Stage, disk: Path) -> Iterator[None]:
    """Keep what orders write on that disk, beside a table that can fill it."""
    space = disk / "space"
    space.mkdir(mode=0o700)
    stage.ask(f"CREATE TABLESPACE small LOCATION '{space}'")
    for table in TABLES:
        stage.ask(f"ALTER TABLE {table} SET TABLESPACE small")
    stage.ask("CREATE TABLE filler (content text) TABLESPACE small")
    try:
        yield
    finally:
        stage.ask("DROP TABLE IF EXISTS filler")
        for table in TABLES:
            stage.ask(f"ALTER TABLE {table} SET TABLESPACE pg_default")
        stage.ask("DROP TABLESPACE small")


def test_full_disk(stage: Stage, tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk") as disk,
        tables_on(stage, disk),
        stage.serving() as server,
    ):
        shop = opened(server)
        body = {"lines": [{"item_id": shop.items[0], "quantity": 1}]}
        before = stage.number("SELECT coalesce(max(id), 0) FROM orders_order")
        with talking(server, shop.token) as line:
            for rows in BATCHES:
                stage.fill(FILLER.format(rows))
            answers = [line.ask("POST", ORDERS, body) for _ in range(MANY)]
            read = [line.ask("GET", path).status for path in (ITEMS, ORDERS)]
            stage.ask("DROP TABLE filler")
            after = line.ask("POST", ORDERS, body)
        placed = [answer.body["id"] for answer in answers if answer.status == 201]
        kept = stage.ask("SELECT id FROM orders_order WHERE id > %s ORDER BY id", before)
    refused = {(a.status, a.body["code"]) for a in answers if a.status != 201}
    assert refused == {(503, "database_full")}
    assert (read, after.status) == ([200, 200], 201)
    assert [order for (order,) in kept] == [*placed, after.body["id"]]

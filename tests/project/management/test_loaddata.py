"""`loaddata`, as a person uses it: what was dumped comes back, or nothing at all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, NullPool, create_engine, text

from project.errors import CommandError
from project.management import call_command
from project.settings import ROOT
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database

pytestmark = pytest.mark.needs("users", "items", "orders")

# All other tables are filled by the sample.
REST = """
    INSERT INTO users_auth_session (id, user_id, expires_at, cookie_hash)
    SELECT gen_random_uuid(), id, 'infinity', sha256(email::bytea) FROM users_user;
    INSERT INTO users_refresh_token (token_hash, session_id)
    SELECT sha256(id::text::bytea), id FROM users_auth_session;
    INSERT INTO items_image (item_id, key, digest, width, height)
    SELECT id, 'items/' || id, md5(name), 640, 480 FROM items_item;
    INSERT INTO orders_idempotency_key (user_id, key, fingerprint, body)
    SELECT id, E'a\\\\b\\tc', sha256('\\x00'), '{"a": [null]}' FROM users_user
"""
LARGE = """
    INSERT INTO items_item (name, description, price, owner_id)
    SELECT 'Lamp ' || n, repeat('x', 4000), 1, (SELECT min(id) FROM users_user)
    FROM generate_series(1, 12000) n
"""
HISTORY = """
    INSERT INTO audit_change (actor_label, action, model, object_id, object_label, changes)
    SELECT 'root', 'add', 'items.item', n, 'Lamp ' || n, '{"price": [null, "1.00"]}'
    FROM generate_series(1, 3) n
"""
MEASURE = """
import resource, sys
from project.management import main
code = main(sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture
def url(engine_database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
        yield url


@pytest.fixture
def shop(url: URL) -> URL:
    call_command("seed")
    execute(url, REST)
    return url


def execute(url: URL, statements: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql(statements)


def count(url: URL, table: str) -> int:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        found: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
    return found


def dump(path: Path) -> bytes:
    call_command("dumpdata", "--output", str(path))
    return path.read_bytes()


@pytest.mark.parametrize("name", ["a.json", "a.jsonl.gz"])
def test_every_table_comes_back_as_it_was(shop: URL, tmp_path: Path, name: str) -> None:
    before = dump(tmp_path / name)
    call_command("flush", "--noinput")
    assert call_command("loaddata", str(tmp_path / name)) == 0
    assert dump(tmp_path / f"again-{name}") == before
    execute(shop, "INSERT INTO users_user (email) VALUES ('next@example.com')")  # has a free number
    assert count(shop, "items_item WHERE search @@ to_tsquery('simple', 'mug')") > 0


def test_rows_that_are_there_already(
    shop: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump(tmp_path / "a.json")
    tokens = count(shop, "users_refresh_token")
    assert tokens > 0
    with pytest.raises(CommandError, match=r"a.json:2: users.User: .*\(id\)=\(1\) already exists"):
        call_command("loaddata", str(tmp_path / "a.json"))
    execute(shop, "DELETE FROM users_refresh_token; UPDATE users_user SET full_name = 'Changed'")
    capsys.readouterr()
    call_command("loaddata", str(tmp_path / "a.json"), "--on-conflict", "update")
    updated = f"users.User: 0 rows, {count(shop, 'users_user')} updated\n"
    assert updated in capsys.readouterr().out
    assert count(shop, "users_user WHERE full_name = 'Changed'") == 0
    assert count(shop, "users_refresh_token") == tokens


@pytest.mark.needs("audit")
def test_history_of_changes_goes_there_and_back(
    shop: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(shop, HISTORY)
    dump(tmp_path / "a.jsonl")
    path = str(tmp_path / "a.jsonl")
    capsys.readouterr()
    call_command("loaddata", path, "--on-conflict", "update")
    told = "audit.Change: 0 rows, 3 skipped (rows of this table are never changed)\n"
    assert told in capsys.readouterr().out
    call_command("flush", "--noinput")
    call_command("loaddata", path, "--on-conflict", "update")
    assert "audit.Change: 3 rows\n" in capsys.readouterr().out
    assert dump(tmp_path / "again.jsonl") == (tmp_path / "a.jsonl").read_bytes()


def test_all_or_nothing(url: URL, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = {"model": "users.User", "fields": {"email": "a@example.com"}}
    bad = {"model": "users.User", "fields": {"email": "A@example.com"}}
    path.write_text(f"{json.dumps(good)}\n\n{json.dumps(bad)}\n")
    with pytest.raises(CommandError, match=r'a.jsonl:3: users.User: .*"ck_users_user_email_lower"'):
        call_command("loaddata", str(path))
    assert count(url, "users_user") == 0


def test_dry_run_keeps_nothing(
    shop: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump(tmp_path / "a.json")
    call_command("flush", "--noinput")
    capsys.readouterr()
    call_command("loaddata", "--dry-run", str(tmp_path / "a.json"))
    out = capsys.readouterr().out
    assert "items.Item: 40 rows\n" in out
    assert out.endswith("Nothing of it was kept (--dry-run).\n")
    assert count(shop, "items_item") == 0


@pytest.mark.usefixtures("url")
def test_a_file_that_is_not_there() -> None:
    with pytest.raises(CommandError, match=r"nowhere\.json cannot be read: No such file"):
        call_command("loaddata", "nowhere.json")


def test_from_one_process_to_the_next(shop: URL) -> None:
    manage = [sys.executable, "manage.py"]
    options = {"cwd": ROOT, "env": environment_for(shop), "timeout": 60}
    dumped = subprocess.run([*manage, "dumpdata"], check=True, capture_output=True, **options)  # type: ignore[call-overload]
    call_command("flush", "--noinput")
    words = [*manage, "loaddata", "-"]
    loaded = subprocess.run(words, check=True, input=dumped.stdout, capture_output=True, **options)  # type: ignore[call-overload]
    assert b"items.Item: 40 rows" in loaded.stdout
    assert (dumped.stderr, loaded.stderr) == (b"", b"")  # nobody watches: no bar


def test_statements_may_take_their_time(
    shop: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump(tmp_path / "a.json")
    call_command("flush", "--noinput")
    monkeypatch.setenv("DATABASE_STATEMENT_TIMEOUT", "0.001")
    assert call_command("loaddata", str(tmp_path / "a.json")) == 0
    assert call_command("dumpdata", "--output", str(tmp_path / "b.json")) == 0


def peak(url: URL, *words: str) -> int:
    """Run a command and return the most memory that it took, in MiB."""
    finished = subprocess.run(
        [sys.executable, "-c", MEASURE, *words],
        cwd=ROOT,
        env=environment_for(url),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    code, size = finished.stdout.splitlines()[-1].split()
    assert code == "0", finished.stderr
    return int(size) // (1 << 20 if sys.platform == "darwin" else 1 << 10)


@pytest.mark.skipif(sys.platform == "win32", reason="tells no peak of a process's memory")
def test_the_number_of_rows_takes_no_memory(shop: URL, tmp_path: Path) -> None:
    """A file of 50 MB takes as much as one of 20 kB, give or take a batch."""
    path = str(tmp_path / "a.jsonl")
    small = peak(shop, "dumpdata", "-o", path), peak(shop, "loaddata", path, "--on-conflict=skip")
    execute(shop, LARGE)
    assert peak(shop, "dumpdata", "items", "-o", path) - small[0] < 20
    assert Path(path).stat().st_size > 48_000_000
    execute(shop, "TRUNCATE items_item CASCADE")
    assert peak(shop, "loaddata", path) - small[1] < 30
    assert count(shop, "items_item") == 12_040


HIGHEST = {"model": "users.User", "fields": {"id": 2**63 - 1, "email": "a@example.com"}}
NEXT = "INSERT INTO users_user (email) VALUES ('next@example.com')"


def test_dry_run_leaves_the_numbers_alone(url: URL, tmp_path: Path) -> None:
    """No rollback takes a sequence back."""
    row = {**HIGHEST, "fields": {"id": 1_000_000, "email": "a@example.com"}}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    call_command("loaddata", "--dry-run", str(tmp_path / "a.jsonl"))
    execute(url, NEXT)
    assert count(url, "users_user WHERE id < 1000000") == 1


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_last_number_of_all_is_refused(url: URL, tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(HIGHEST))
    with pytest.raises(CommandError, match=r"users.User.id goes up to 9223372036854775807"):
        call_command("loaddata", *options, str(tmp_path / "a.jsonl"))
    execute(url, NEXT)
    assert count(url, "users_user") == 1

"""Migrating as operators do it: from nothing, back and forth, all at once, and by mistake."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine, create_engine, inspect, text

from project.errors import CommandError
from project.management.dispatcher import call_command
from project.settings import ROOT
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database, run_manage


@pytest.fixture
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine) as url:
        yield url


@pytest.fixture
def engine(url: URL) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def set_revision(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def test_up_down_up(url: URL, engine: Engine) -> None:
    env = environment_for(url)
    up = run_manage("migrate", env=env)
    assert (up.returncode, up.stderr) == (0, "")
    assert "Applied 0001 initial" in up.stdout
    full = tables(engine)
    assert {"users_user", "items_item"} < full
    down = run_manage("migrate", "base", env=env)
    assert (down.returncode, down.stderr) == (0, "")
    assert tables(engine) == {"alembic_version"}
    assert run_manage("migrate", env=env).returncode == 0
    assert tables(engine) == full
    drift = run_manage("makemigrations", "--check", env=env)
    assert (drift.returncode, drift.stdout.strip()) == (0, "No changes in the models.")


def test_second_run_has_nothing_to_do(url: URL) -> None:
    env = environment_for(url)
    assert run_manage("migrate", "--check", env=env).returncode == 1
    run_manage("migrate", env=env)
    again = run_manage("migrate", env=env)
    assert (again.returncode, again.stdout) == (0, "No migrations to apply.\n")


def test_four_at_once(url: URL, engine: Engine) -> None:
    """Replicas that start together: one migrates, the others wait and find it done."""
    processes = [
        subprocess.Popen(
            [sys.executable, "manage.py", "migrate"],
            cwd=ROOT,
            env=environment_for(url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    finished = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, finished
    assert sum("Applied 0001" in out for out, _ in finished) == 1
    assert "users_user" in tables(engine)


@pytest.mark.parametrize("word", ["9999", "nonsense", "-7", "+99", "", "0001:0002", "head~1"])
def test_unknown_revision(
    url: URL, engine: Engine, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
    with pytest.raises(CommandError, match="showmigrations"):
        call_command("migrate", word)
    assert tables(engine) <= {"alembic_version"}


def test_database_ahead_of_the_code_is_one_line(url: URL, engine: Engine) -> None:
    env = environment_for(url)
    run_manage("migrate", env=env)
    set_revision(engine, "0999")
    for words in (["migrate"], ["makemigrations"]):
        finished = run_manage(*words, env=env)
        assert finished.returncode == 1
        assert len(finished.stderr.splitlines()) == 1
        assert "0999" in finished.stderr
    assert "users_user" in tables(engine)


def test_table_in_use_is_one_line(url: URL, engine: Engine) -> None:
    """A migration does not queue behind a long transaction, with every reader behind it."""
    env = environment_for(url, DATABASE_LOCK_TIMEOUT="0.2")
    run_manage("migrate", env=env)
    with engine.connect() as reader:
        for table in tables(engine):  # whichever the newest migration would drop
            reader.execute(text(f'SELECT count(*) FROM "{table}"'))  # noqa: S608 - names of ours
        finished = run_manage("migrate", "base", env=env)
    assert finished.returncode == 1
    assert len(finished.stderr.splitlines()) == 1
    assert "in use" in finished.stderr
    assert "users_user" in tables(engine)
    assert run_manage("migrate", "--check", env=env).returncode == 0


@pytest.mark.parametrize("name", ["migrate", "makemigrations", "showmigrations", "demo"])
def test_unreachable_database(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:canary@127.0.0.1:1/none")
    with pytest.raises(CommandError, match=r"127\.0\.0\.1:1/none cannot be reached") as caught:
        call_command(name, *(["--port", "0"] if name == "demo" else []))
    assert "canary" not in str(caught.value)
    assert "correct DATABASE_URL" in str(caught.value)


def test_sql(url: URL, engine: Engine) -> None:
    """It prints the SQL for somebody else to run, and touches nothing."""
    finished = run_manage("migrate", "--sql", env=environment_for(url))
    assert finished.returncode == 0
    assert "CREATE TABLE users_user" in finished.stdout
    assert tables(engine) == set()
    with engine.begin() as connection:
        connection.connection.driver_connection.execute(finished.stdout)  # type: ignore[union-attr]
    assert "users_user" in tables(engine)


def test_plan(url: URL, engine: Engine) -> None:
    finished = run_manage("migrate", "--plan", env=environment_for(url))
    assert (finished.returncode, "0001 initial" in finished.stdout) == (0, True)
    assert tables(engine) == set()


def test_create_all_is_nowhere() -> None:
    found = [
        path
        for folder in ("project", "apps", "migrations", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\.create_all\(", path.read_text())
    ]
    assert found == []

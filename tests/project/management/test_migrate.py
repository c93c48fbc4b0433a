"""Migrating as operators do it: from nothing, back and forth, all at once, and by mistake."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, inspect, text
from sqlalchemy.orm import Session

from project.db.migrations import all_revisions
from project.db.migrations.locking import MIGRATION_LOCK
from project.errors import CommandError
from project.management.dispatcher import call_command, main
from project.settings import ROOT
from tests.database import TestDatabase, wait_until_blocked
from tests.histories import History
from tests.processes import DEADLINE, environment_for, fresh_database, run_manage

pytestmark = pytest.mark.needs("users", "items", "orders")


@pytest.fixture
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine) as url:
        yield url


@pytest.fixture
def engine(url: URL) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


@contextmanager
def migrating(
    *words: str, env: dict[str, str], root: Path = ROOT
) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A `migrate` that runs while the test does something else, and what it complains of."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "migrate", *words],
        cwd=root,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process, process.stderr as errors:
        try:
            yield process, errors
        finally:
            process.kill()


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


def test_nothing_to_do_loads_neither_web_nor_models(url: URL) -> None:
    env = environment_for(url)
    run_manage("migrate", env=env)
    again = run_manage("migrate", env={**env, "PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.rpartition("|")[2].strip() for line in again.stderr.splitlines()}
    assert "psycopg" in imported
    heavy = {"fastapi", "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "alembic", "loguru"}
    assert not heavy & imported


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


def read_everything(reader: Connection, engine: Engine) -> None:
    """Have read whichever table the newest migration would drop."""
    for table in [*tables(engine), "procrastinate.procrastinate_jobs"]:
        reader.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - names of ours


def test_table_in_use_is_one_line(url: URL, engine: Engine) -> None:
    """A migration does not queue behind a long transaction, with every reader behind it."""
    env = environment_for(url, DATABASE_LOCK_TIMEOUT="0.2")
    run_manage("migrate", env=env)
    with engine.connect() as reader:
        read_everything(reader, engine)
        finished = run_manage("migrate", "base", "--lock-attempts", "1", env=env)
    assert finished.returncode == 1
    assert len(finished.stderr.splitlines()) == 1
    assert "is in use by pid" in finished.stderr
    assert "users_user" in tables(engine)
    assert run_manage("migrate", "--check", env=env).returncode == 0


def test_table_that_comes_free_is_waited_for(url: URL, engine: Engine) -> None:
    """The first try gives up and says who is in the way; a later one goes through."""
    env = environment_for(url, DATABASE_LOCK_TIMEOUT="0.2")
    run_manage("migrate", env=env)
    with engine.connect() as reader:
        pid = reader.scalar(text("SELECT pg_backend_pid()"))
        read_everything(reader, engine)
        with migrating("base", env=env) as (process, errors):
            line = errors.readline()
            assert re.search(rf"\w+_\w+ is in use by pid {pid} \(idle in tran", line), line
            assert "trying again in 2 s (try 1 of 5)" in line
            reader.rollback()
            assert process.wait(DEADLINE) == 0
    assert tables(engine) == {"alembic_version"}


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
    # As somebody else would: statement by statement, as indexes that are built beside traffic need.
    words = ["dbshell", "--", "--quiet", "--set", "ON_ERROR_STOP=1"]
    run = run_manage(*words, env=environment_for(url), typed=finished.stdout)
    assert run.returncode == 0, run.stderr
    assert "users_user" in tables(engine)


def test_sql_of_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(CommandError, match="sqlmigrate 0002 --backwards"):
        call_command("migrate", "zero", "--sql")


@pytest.mark.parametrize("words", [["a", "b", "c"], ["--lock-attempts", "0"]])
def test_wrong_usage(words: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("migrate", *words)
    assert caught.value.exit_code == 2


def test_plan(url: URL, engine: Engine) -> None:
    finished = run_manage("migrate", "--plan", env=environment_for(url))
    assert (finished.returncode, "0001 initial" in finished.stdout) == (0, True)
    assert tables(engine) == set()


def test_plan_backwards(url: URL) -> None:
    env = environment_for(url)
    run_manage("migrate", "0002", env=env)
    finished = run_manage("migrate", "zero", "--plan", env=env)
    assert finished.stdout == "  take back 0002 orders\n  take back 0001 initial\n"


def test_an_app_goes_forwards(url: URL, engine: Engine) -> None:
    """Django's form: one history holds all apps, so the label only must be right."""
    env = environment_for(url)
    first = run_manage("migrate", "users", "0001", env=env)
    assert (first.returncode, first.stdout) == (0, "Applied 0001 initial\n")
    assert "orders_order" not in tables(engine)
    assert run_manage("migrate", "users", env=env).returncode == 0
    assert "orders_order" in tables(engine)


def newest() -> str:
    """The last migration, which goes first."""
    return all_revisions()[-1].title


@pytest.mark.parametrize("words", [["items", "0001"], ["items", "zero"], ["items", "-1"]])
def test_an_app_does_not_go_back(url: URL, engine: Engine, words: list[str]) -> None:
    """What a Django user expects to touch one app would touch others'."""
    env = environment_for(url)
    run_manage("migrate", env=env)
    before = tables(engine)
    for more in ([], ["--fake"]):
        finished = run_manage("migrate", *words, *more, env=env)
        assert (finished.returncode, len(finished.stderr.splitlines())) == (1, 1)
        assert f"would take back {newest()}" in finished.stderr
    assert tables(engine) == before


def test_an_app_that_is_not_there(url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
    with pytest.raises(CommandError, match="Did you mean 'items'") as caught:
        call_command("migrate", "itmes", "0001")
    assert caught.value.exit_code == 2


def test_fake(url: URL, engine: Engine) -> None:
    """For a database whose tables came about in another way: recorded, not run, and said so."""
    env = environment_for(url)
    finished = run_manage("migrate", "--fake", env=env)
    assert finished.returncode == 0
    assert "nothing was run" in finished.stdout
    assert tables(engine) == {"alembic_version"}
    assert run_manage("migrate", "--check", env=env).returncode == 0


def test_waits_aloud_for_another_process(url: URL, engine: Engine) -> None:
    with engine.connect() as other:
        pid = other.scalar(text("SELECT pg_backend_pid()"))
        other.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        with migrating(env=environment_for(url)) as (process, errors):
            assert f"pid {pid} of the server) is migrating; waiting" in errors.readline()
            other.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            other.commit()
            assert process.wait(DEADLINE) == 0
    assert "users_user" in tables(engine)


def test_create_all_is_nowhere() -> None:
    found = [
        path
        for folder in ("project", "apps", "migrations", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\.create_all\(", path.read_text())
    ]
    assert found == []


CONCURRENT = (
    "with op.get_context().autocommit_block():\n"
    '    op.create_index("ix_twice", "twice", ["id"], unique=True, postgresql_concurrently=True)'
)


def test_concurrent_index_waits_for_others(copy: History) -> None:
    """It holds nobody up, so it may outlast the limit on locks; else it left an INVALID index."""
    copy.execute("CREATE TABLE twice (id int)")
    copy.write_version(CONCURRENT)
    env = environment_for(copy.url, DATABASE_LOCK_TIMEOUT="0.05")
    engine = create_engine(copy.url, poolclass=NullPool)
    with engine.connect() as other, Session(other) as session:
        other.execute(text("INSERT INTO twice VALUES (1)"))
        with migrating(env=env, root=copy.root) as (process, errors):
            wait_until_blocked(session)
            other.execute(text("SELECT pg_sleep(0.2)"))  # past the limit, in the server's time
            other.rollback()
            assert (process.wait(DEADLINE), errors.read()) == (0, "")
    assert copy.scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_twice'::regclass")


def test_broken_off_outside_of_a_transaction(copy: History) -> None:
    """An INVALID index is named, with the way out; nothing is tried again blindly."""
    copy.execute("CREATE TABLE twice (id int)", "INSERT INTO twice VALUES (1), (1)")
    copy.write_version(CONCURRENT)
    code, _, err = copy.tell("migrate")
    assert (code, len(err.splitlines())) == (1, 1)
    assert 'DROP INDEX CONCURRENTLY "ix_twice"; then migrate again' in err
    copy.execute("DROP INDEX ix_twice", "DELETE FROM twice")
    assert copy.tell("migrate") == (0, "Applied 8001 8001\n", "")


def test_python_that_breaks_off_outside_of_a_transaction(copy: History) -> None:
    copy.write_version(
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE TABLE half (id int)")\n'
        '    raise ValueError("no more")'
    )
    code, _, err = copy.tell("migrate")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "(ValueError: no more): what it did there, outside of a transaction, stays" in err
    assert "half" in copy.tables()


def test_attempts_that_are_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "--lock-attempts", "x"]) == 2
    assert "--lock-attempts: must be a whole number from 1 on" in capsys.readouterr().err


def test_invalid_index_is_named_afterwards(copy: History) -> None:
    copy.execute(
        "CREATE TABLE twice (id int)",
        "CREATE INDEX ix_twice ON twice (id)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_twice'::regclass",
    )
    code, _, err = copy.tell("migrate")
    assert (code, "ix_twice is INVALID" in err) == (0, True)


def test_what_was_applied_before_a_failure_is_said(copy: History) -> None:
    copy.write_version('op.execute("CREATE TABLE whole (id int)")')
    copy.write_version('op.execute("SELECT 1 / 0")', revision="8002")
    code, out, _ = copy.tell("migrate")
    assert (code, out.splitlines()[0]) == (1, "Applied 8001 8001")
    assert "whole" in copy.tables()


def test_changed_models_are_hinted_at(copy: History) -> None:
    copy.replace("apps/users/models.py", "NAME_LENGTH = 200", "NAME_LENGTH = 201")
    copy.write_version("pass")
    code, out, _ = copy.tell("migrate")
    assert (code, "run `manage.py makemigrations`" in out) == (0, True)

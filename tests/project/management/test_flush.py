from collections.abc import Iterator

import pytest
from sqlalchemy import URL, MetaData, NullPool, create_engine, text
from sqlalchemy.orm import Session

from project.errors import CommandError
from project.management.commands.flush import empty_tables
from project.management.dispatcher import call_command
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database, run_manage

INSERT = text("INSERT INTO users_user (email) VALUES ('a@example.com') RETURNING id")


@pytest.fixture
def url(engine_database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
        yield url


def insert_user(url: URL) -> int:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        number: int = connection.execute(INSERT).scalar_one()
    return number


@pytest.mark.needs("users")
def test_rows_go_and_the_history_stays(url: URL, capsys: pytest.CaptureFixture[str]) -> None:
    assert insert_user(url) == 1
    assert call_command("flush", "--noinput") == 0
    assert insert_user(url) == 1  # numbers start again, and the address is free
    assert call_command("migrate", "--check") == 0
    assert "Emptied" in capsys.readouterr().out


@pytest.mark.needs("users")
def test_without_a_yes_nothing_goes(url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    insert_user(url)
    questions: list[str] = []

    def refuse(question: str) -> str:
        questions.append(question)
        return "no"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", refuse)
    with pytest.raises(CommandError, match="Nothing was deleted"):
        call_command("flush")
    assert str(url.database) in questions[0]
    with pytest.raises(Exception, match="duplicate key"):
        insert_user(url)


def test_a_project_without_tables(session: Session) -> None:
    empty_tables(session, MetaData())


def test_nobody_to_ask(url: URL) -> None:
    finished = run_manage("flush", env=environment_for(url))
    assert finished.returncode == 1
    assert "--noinput" in finished.stderr


@pytest.mark.needs("users")
def test_database_that_was_never_migrated(
    engine_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database(engine_database.engine) as empty:
        monkeypatch.setenv("DATABASE_URL", environment_for(empty)["DATABASE_URL"])
        with pytest.raises(CommandError, match="migrate"):
            call_command("flush", "--noinput")

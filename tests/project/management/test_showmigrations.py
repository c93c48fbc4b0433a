from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from project.management.dispatcher import call_command
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database


@pytest.fixture
def url(engine_database: TestDatabase) -> Iterator[URL]:
    with fresh_database(engine_database.engine) as url:
        yield url


def test_pending_and_applied(
    url: URL, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
    assert call_command("showmigrations") == 0
    assert " [ ] 0001 initial" in capsys.readouterr().out
    call_command("migrate")
    capsys.readouterr()
    call_command("showmigrations")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == " [X] 0001 initial"
    assert all(line.startswith(" [X] ") for line in lines)

"""What is old goes, and nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import URL, NullPool, create_engine, func, insert, select

from apps.audit.models import Change
from project.errors import CommandError
from project.management.dispatcher import call_command
from tests.database import TestDatabase
from tests.processes import environment_for, fresh_database


@pytest.fixture
def url(engine_database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[URL]:
    with fresh_database(engine_database.engine, is_migrated=True) as url:
        monkeypatch.setenv("DATABASE_URL", environment_for(url)["DATABASE_URL"])
        yield url


def write(url: URL, *ages: int) -> None:
    """Write entries that are so many days old."""
    rows = [
        {
            "created_at": datetime.now(UTC) - timedelta(days=age),
            "actor_label": "ada@example.com",
            "action": "change",
            "model": "shop.thing",
            "object_id": "1",
            "object_label": "Thing",
            "changes": {},
        }
        for age in ages
    ]
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(insert(Change), rows)


def count(url: URL) -> int:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return connection.execute(select(func.count()).select_from(Change)).scalar_one()


def test_old_changes_are_deleted_batch_by_batch(
    url: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    write(url, 900, 800, 400, 366, 364, 0)
    assert call_command("clearhistory", "--older-than", "365", "--batch-size", "3") == 0
    assert "4 old changes were deleted." in capsys.readouterr().out
    assert count(url) == 2


@pytest.mark.parametrize("words", [["--older-than=-1"], ["--older-than=999999999"], []])
def test_wrong_age(url: URL, words: list[str]) -> None:
    write(url, 900)
    with pytest.raises(CommandError, match="--older-than") as caught:
        call_command("clearhistory", *words)
    assert caught.value.exit_code == 2
    assert count(url) == 1

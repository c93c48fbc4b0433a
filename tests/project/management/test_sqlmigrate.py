import pytest

from project.errors import CommandError
from project.management.dispatcher import call_command


def test_forwards(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sqlmigrate", "0002")
    sql = capsys.readouterr().out
    assert "CREATE TABLE orders_order" in sql
    assert "CREATE TABLE items_item " not in sql
    assert "SET version_num='0002'" in sql


def test_backwards(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sqlmigrate", "0001", "--backwards")
    sql = capsys.readouterr().out
    assert "DROP TABLE users_user" in sql
    assert "CREATE TABLE" not in sql


@pytest.mark.parametrize("revision", ["9999", "", "base"])
def test_a_revision_that_is_not_there(revision: str) -> None:
    with pytest.raises(CommandError, match="showmigrations"):
        call_command("sqlmigrate", revision)


@pytest.mark.needs("items")
def test_an_app_may_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sqlmigrate", "items", "0003")
    assert "SET version_num='0003'" in capsys.readouterr().out
    with pytest.raises(CommandError, match="Did you mean 'items'") as caught:
        call_command("sqlmigrate", "itms", "0003")
    assert caught.value.exit_code == 2

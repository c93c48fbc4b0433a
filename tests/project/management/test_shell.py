"""`manage.py shell` without a person in front of it."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from project.checks.framework import NO_SERVER
from project.db.session import Database
from project.errors import CommandError
from project.management import call_command, main
from project.management.commands import shell
from project.settings import ROOT
from tests.processes import DEADLINE


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database that nobody connects to."""
    made = Database(create_engine(NO_SERVER))
    monkeypatch.setattr(Database, "from_settings", lambda _: made)
    return made


@pytest.fixture
def commits(database: Database) -> list[str]:
    """One entry for each commit of the shell's session."""
    seen: list[str] = []
    event.listen(database.sessions, "before_commit", lambda _: seen.append("commit"))
    return seen


@pytest.mark.needs("users")
def test_code_sees_models_and_a_session(capsys: pytest.CaptureFixture[str]) -> None:
    program = "print(User.__tablename__, select(User.id), type(session).__name__)"
    assert call_command("shell", "-c", program) == 0
    assert capsys.readouterr().out == "users_user SELECT users_user.id \nFROM users_user Session\n"


def test_code_on_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.StringIO("def twice(n):\n    return 2 * n\nprint(twice(4))")
    )
    assert call_command("shell") == 0
    assert capsys.readouterr().out == "8\n"


def test_code_is_one_transaction(commits: list[str]) -> None:
    call_command("shell", command="session.begin()")
    assert commits == ["commit"]


def test_code_that_fails_is_rolled_back(commits: list[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        call_command("shell", command="session.begin(); 1 / 0")
    assert commits == []


def test_a_name_of_two_apps_gets_the_label() -> None:
    models = shell.find_models()
    assert len(set(models.values())) == len(models)


@pytest.mark.needs("users")
def test_the_banner_says_what_is_here() -> None:
    banner = shell._banner(dict(shell.find_models()))
    assert "from apps.users.models import " in banner
    assert "session.commit()" in banner


def test_a_mistake_is_shown_where_it_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shell", "-c", "x = 1\nnope"]) == 1
    assert "NameError: name 'nope' is not defined (<shell>, line 2)" in capsys.readouterr().err


@pytest.mark.needs("users", "items", "orders")
@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
@pytest.mark.parametrize("interface", ["ipython", "python"])
def test_a_conversation(interface: str, tmp_path: Path) -> None:
    """On a real terminal, with the real IPython, which is told to prompt without colours."""
    typed = "print('type:', type(session).__name__, User.__tablename__)\nexit()\n"
    shown = converse(typed, "-i", interface, IPYTHONDIR=str(tmp_path))
    assert re.search(r"from apps\.users\.models import (\w+, )+User\b", shown)
    assert "type: Session users_user" in shown
    assert ("In [1]: " in shown) is (interface == "ipython")


def converse(typed: str, *words: str, **variables: str) -> str:
    """Type this at `manage.py shell` and return what a person would see."""
    ours, theirs = os.openpty()
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", *words],
        cwd=ROOT,
        env=os.environ | nowhere | {"IPY_TEST_SIMPLE_PROMPT": "1"} | variables,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.close(theirs)
    try:
        os.write(ours, typed.encode())
        return process.communicate(timeout=DEADLINE)[0].decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_ipython_is_asked_for_and_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CommandError, match="IPython is not installed"):
        call_command("shell", "-i", "ipython")


def test_a_slip_of_the_pen_is_shown_where_it_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shell", "-c", "x = ("]) == 1
    assert "'(' was never closed (<shell>, line 1)" in capsys.readouterr().err


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CommandError, match="no standard input to read code from"):
        call_command("shell")

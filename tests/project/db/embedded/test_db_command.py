"""`manage.py db`."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from project.db.embedded import EmbeddedServer
from project.errors import CommandError
from project.management.commands import db
from project.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """`manage.py db …` on a project of its own, without a DATABASE_URL."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATA_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(db, "load_settings", partial(load_settings, env_file=None))
    parser = argparse.ArgumentParser()
    db.add_arguments(parser)
    yield lambda *words: db.handle(parser.parse_args([*words]))
    EmbeddedServer(tmp_path / "postgres-test").reset()


def test_command_takes_a_server_through_its_life(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("status", "--test") == 1
    assert command("start", "--test") == 0
    assert command("status", "--test") == 0
    assert command("stop", "--test") == 0
    assert command("stop", "--test") == 0
    words = [line.split()[2] for line in capsys.readouterr().out.splitlines()]
    assert words == ["not", "running:", "running", "stopped.", "not"]


def test_command_resets_only_after_a_yes(
    command: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "postgres-test" / "PG_VERSION"
    data.parent.mkdir()
    data.touch()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(CommandError, match="--noinput"):
        command("reset", "--test")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _prompt: "no")
    with pytest.raises(CommandError, match="Nothing was deleted"):
        command("reset", "--test")
    assert data.exists()
    assert command("reset", "--test", "--noinput") == 0
    assert not data.parent.exists()


def test_command_with_database_url_leaves_the_server_alone(
    command: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@elsewhere/shop")
    for action in ("start", "reset"):
        with pytest.raises(CommandError, match="not in use"):
            command(action, "--test", "--noinput")
    assert command("status") == command("stop") == 0
    assert capsys.readouterr().out == f"{db._NOT_IN_USE}\n" * 2

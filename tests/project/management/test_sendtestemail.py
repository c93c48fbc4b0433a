"""`sendtestemail` says what was sent, and by which way."""

from __future__ import annotations

from pathlib import Path

import pytest

from project.management import call_command, main
from tests.processes import free_port


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAIL_URL", f"file:{tmp_path}/mail")
    return tmp_path / "mail"


def test_one_for_each_address(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call_command("sendtestemail", "ada@example.com", "b@example.com") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"Sent “Mail from Lintel arrives” to ada@example.com, by the folder {folder}."
    assert "to b@example.com" in second
    assert len(list(folder.iterdir())) == 2


def test_subject_of_ones_own(folder: Path) -> None:
    call_command("sendtestemail", "ada@example.com", "--subject", "Hello there")
    assert "\nSubject: Hello there\n" in next(folder.iterdir()).read_text()


@pytest.mark.parametrize("words", [("nobody",), ("a@example.com", "--subject", "a\nBcc: b@c.de")])
def test_wrong_usage_sends_nothing(
    folder: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sendtestemail", *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not folder.exists()


def test_server_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAIL_URL", f"smtp://shop:canary@127.0.0.1:{free_port()}")
    assert main(["sendtestemail", "ada@example.com"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: The mail server 127.0.0.1:")
    assert "MAIL_URL" in error
    assert "canary" not in error
    assert len(error.splitlines()) == 1

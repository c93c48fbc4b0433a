"""Where mail goes without a server."""

import io
import stat
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from project.errors import ImproperlyConfigured
from project.mail.mailers import FolderMailer, MemoryMailer, create_mailer
from project.mail.message import MailNotSent, Message
from project.settings import Settings

MESSAGE = Message(
    to=("ada@example.com",),
    subject="Grüße",
    text="https://example.com/confirm?token=" + "a" * 200 + "\n",
    html="<p>…</p>",
)


def configured(settings: Settings, url: str | None, environment: str = "test") -> Settings:
    mail = settings.mail.model_copy(update={"mail_url": url})
    general = settings.general.model_copy(update={"environment": environment})
    return settings.model_copy(update={"mail": mail, "general": general})


@pytest.mark.parametrize(
    ("environment", "expected"), [("development", "the console"), ("test", "memory")]
)
def test_defaults(settings: Settings, environment: str, expected: str) -> None:
    assert str(create_mailer(configured(settings, None, environment))) == expected


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_deployed_without_a_url(settings: Settings, environment: str) -> None:
    mailer = create_mailer(configured(settings, None, environment))
    with pytest.raises(ImproperlyConfigured, match=r"MAIL_URL is not set.*a…@example\.com"):
        mailer.send(MESSAGE)


def test_console_breaks_no_link(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    create_mailer(configured(settings, "console:")).send(MESSAGE)
    shown = capsys.readouterr().out
    assert "To: ada@example.com\nSubject: Grüße\n\nhttps://" in shown
    assert "token=" + "a" * 200 + "\n" in shown
    assert "HTML" in shown


def test_folder_keeps_a_file_for_each(settings: Settings, tmp_path: Path) -> None:
    mailer = create_mailer(configured(settings, f"file:{tmp_path}/mail"))
    mailer.send(MESSAGE)
    mailer.send(MESSAGE)
    first, second = (tmp_path / "mail").iterdir()
    assert {first.suffix, second.suffix} == {".eml"}
    assert message_from_bytes(first.read_bytes(), policy=default)["Subject"] == "Grüße"
    if sys.platform != "win32":
        assert stat.S_IMODE(first.stat().st_mode) == 0o600


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    with pytest.raises(MailNotSent, match="takes no mail: File exists"):
        FolderMailer(tmp_path / "mail", "a@example.com").send(MESSAGE)


def test_memory_keeps_messages() -> None:
    mailer = MemoryMailer()
    mailer.send(MESSAGE)
    assert mailer.sent == [MESSAGE]


def test_console_that_lacks_characters(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a pipe may be of one byte a character."""
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="ascii", newline=""))
    create_mailer(configured(settings, "console:")).send(MESSAGE)
    assert b"Subject: Gr??e\n" in pipe.getvalue()

"""Who takes mail: a server, a folder, the console, memory; one interface for all of them."""

import secrets
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn, Protocol

from project.errors import ImproperlyConfigured
from project.mail.message import MailNotSent, Message, masked
from project.mail.places import parse_mail_url
from project.mail.smtp import SmtpMailer
from project.settings import ROOT, Settings

DEFAULTS = {"development": "console:", "test": "memory:"}
WIDTH = 78


class Mailer(Protocol):
    """Takes mail. `str()` of it says where to, without a password."""

    def send(self, message: Message) -> None:
        """Hand it over; returns when it was taken. It may wait for a server for seconds.

        Raises MailNotSent.
        """
        ...


def create_mailer(settings: Settings) -> Mailer:
    """Make the configured mailer; where MAIL_URL is missing, one that says so when it is used."""
    url = settings.mail.mail_url or DEFAULTS.get(settings.environment)
    if url is None:
        return UnconfiguredMailer()
    place, sender = parse_mail_url(url), settings.mail.mail_from
    match place.scheme:
        case "console":
            return ConsoleMailer(sender)
        case "file":
            return FolderMailer(ROOT / place.folder, sender)
        case "memory":
            return MemoryMailer()
    return SmtpMailer(place, sender)


class UnconfiguredMailer:
    """Stands where nobody has said who takes mail; a deployed site may need none."""

    def __str__(self) -> str:
        return "nobody"

    def send(self, message: Message) -> NoReturn:
        """Raise ImproperlyConfigured."""
        raise ImproperlyConfigured(
            f"MAIL_URL is not set, so a mail to {masked(message.recipients[0])} cannot be sent: "
            "smtp://user:password@host, say."
        )


class ConsoleMailer:
    """Shows mail to whoever develops, as a reader would: links are not broken into pieces."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._turn = threading.Lock()

    def __str__(self) -> str:
        return "the console"

    def send(self, message: Message) -> None:
        head = [f"From: {self._sender}", f"To: {', '.join(message.to)}"]
        head += [f"{name}: {value}" for name, value in message.headers.items()]
        head += [f"Subject: {message.subject}", ""]
        tail = [] if message.html is None else ["", "(There is an HTML version of it, too.)"]
        line = "─" * WIDTH
        shown = "\n".join([line, *head, message.text.rstrip(), *tail, line, ""])
        encoding = sys.stdout.encoding or "utf-8"
        with self._turn:  # a console that lacks a character shows another one
            sys.stdout.write(shown.encode(encoding, "replace").decode(encoding))
            sys.stdout.flush()


class FolderMailer:
    """Puts each mail into a file of its own, which mail programs open."""

    def __init__(self, folder: Path, sender: str) -> None:
        self.folder = folder
        self._sender = sender

    def __str__(self) -> str:
        return f"the folder {self.folder}"

    def send(self, message: Message) -> None:
        """Write beside the target, then rename: a reader sees the whole mail or none."""
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}"
        draft, path = self.folder / f".{name}", self.folder / f"{name}.eml"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.touch(mode=0o600, exist_ok=False)  # a mail may hold a link that signs in
            draft.write_bytes(bytes(message.as_email(self._sender)))
            draft.replace(path)
        except OSError as error:
            raise MailNotSent(f"{self.folder} takes no mail: {error.strerror}.") from error


class MemoryMailer:
    """Keeps mail for tests to look at."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def __str__(self) -> str:
        return "memory"

    def send(self, message: Message) -> None:
        self.sent.append(message)

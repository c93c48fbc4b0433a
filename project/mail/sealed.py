"""A mail as text that only this project can read: its links may sign somebody in."""

import json
from base64 import b64decode, b64encode
from dataclasses import asdict

from project.mail.message import Message
from project.sealing import Seal
from project.settings import Settings

PURPOSE = b"mail"


def seal_message(settings: Settings, message: Message) -> str:
    """Write and encrypt a mail, its key included, so that it stays the same mail."""
    plain = json.dumps(asdict(message)).encode()
    return b64encode(_seal(settings).close(plain, PURPOSE)).decode("ascii")


def open_message(settings: Settings, sealed: str) -> Message:
    """Read it back. Raises Unreadable where no key of SECRET_KEY and its fallbacks opens it."""
    told = json.loads(_seal(settings).open(b64decode(sealed), PURPOSE))
    return Message(**{**told, "to": tuple(told["to"])})


def _seal(settings: Settings) -> Seal:
    return Seal(settings.secret_keys, PURPOSE)

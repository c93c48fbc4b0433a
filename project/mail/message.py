"""What a mail is, and how it is written for those who carry it.

Addresses and headers come from strangers. Whatever would begin a line of its own is refused
where the message is made, so no way to a server can be forgotten.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime

from project.errors import ProjectError

# Read by every server there is, 8BITMIME or not.
POLICY = SMTP.clone(cte_type="7bit")
LONGEST_ADDRESS = 254
# Control characters, and what else Python's own `splitlines` takes for the end of a line.
BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
OURS = frozenset({"from", "to", "cc", "bcc", "subject", "date", "message-id", "sender"})
AUTOMATIC = "auto-generated"
"""Keeps out-of-office replies away."""


class InvalidMessage(ProjectError):
    """A mail that cannot be one: an address that is none, a header with a line break."""


class MailNotSent(ProjectError):
    """A mail was not taken; `is_final` if it will not be taken later either."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


@dataclass(frozen=True, kw_only=True)
class Message:
    """A mail. Raises InvalidMessage for what would not arrive as it is meant."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """More of them, `Reply-To` say."""

    key: str = field(default_factory=lambda: secrets.token_hex(16), compare=False)
    """Stays the same when it is sent once more, so that a reader can tell."""

    def __post_init__(self) -> None:
        if not (isinstance(self.to, tuple) and self.to):
            raise InvalidMessage("A mail goes to a tuple of addresses, one at least.")
        for address in self.to:
            parse_address(address)
        if BREAKING.search(self.subject):
            raise InvalidMessage("The subject of a mail is one line, without control characters.")
        for name, value in self.headers.items():
            _check_header(name, value)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The bare addresses, as a server takes them."""
        return tuple(parse_address(address).addr_spec for address in self.to)

    def as_email(self, sender: str) -> EmailMessage:
        """Write it as a mail from `sender`."""
        origin = parse_address(sender)
        email = EmailMessage(POLICY)
        email["From"] = origin
        email["To"] = [parse_address(address) for address in self.to]
        email["Subject"] = self.subject
        email["Date"] = localtime()
        email["Message-ID"] = f"<{self.key}@{origin.domain}>"
        for name, value in {"Auto-Submitted": AUTOMATIC, **self.headers}.items():
            email[name] = value
        email.set_content(self.text)
        if self.html is not None:
            email.add_alternative(self.html, subtype="html")
        return email


def parse_address(text: str) -> Address:
    """Read `ada@example.com` or `Ada <ada@example.com>`. Raises InvalidMessage."""
    refused = InvalidMessage(f"{BREAKING.sub('?', text)!r} is not one address of a mail.")
    if BREAKING.search(text):
        raise refused
    try:
        header = POLICY.header_factory("To", text)
        groups = header.groups
    except Exception as error:  # the parser trips in many ways over what a stranger writes
        raise refused from error
    if len(groups) != 1 or groups[0].display_name is not None or len(groups[0].addresses) != 1:
        raise refused
    found = groups[0].addresses[0]
    defects = [one for one in header.defects if type(one).__name__ != "NonASCIILocalPartDefect"]
    if defects or not found.username or not found.domain:
        raise refused
    try:
        domain = found.domain.encode("idna").decode("ascii")
        address = Address(found.display_name, found.username, domain)
    except Exception as error:  # the same parser once more
        raise refused from error
    if len(address.addr_spec) > LONGEST_ADDRESS:
        raise refused
    return address


def masked(address: str) -> str:
    """Return what a log may say of an address: `a…@example.com`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"


def _check_header(name: str, value: str) -> None:
    lowered = name.lower()
    if (
        not HEADER_NAME.fullmatch(name)
        or lowered in OURS
        or lowered.startswith(("content-", "mime-"))
    ):
        raise InvalidMessage(f"{name!r} is not a header that a mail can be given.")
    if BREAKING.search(value):
        raise InvalidMessage(f"The header {name} is one line, without control characters.")

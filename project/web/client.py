"""Where a request came from, as far as it is kept: with a sign-in, in the log of security."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # commands that know models need no web framework
    from starlette.requests import HTTPConnection

ADDRESS_LENGTH = 45
AGENT_LENGTH = 200


class Client(NamedTuple):
    """An address, and what the program there calls itself, which nobody has verified."""

    address: str | None = None
    agent: str | None = None


NOBODY = Client()
"""No request: a command, a test."""


def client_of(connection: HTTPConnection) -> Client:
    """Describe who sent a request; behind a trusted proxy the address is the proxy's client's."""
    address = connection.client.host[:ADDRESS_LENGTH] if connection.client else None
    agent = connection.headers.get("user-agent", "")[:AGENT_LENGTH]
    # Header bytes reach us as Latin-1. What cannot be printed could forge a line of a log.
    printable = "".join(character for character in agent if character.isprintable())
    return Client(address, printable or None)

import pytest
from starlette.requests import Request

from project.web.client import Client, client_of


def request(agent: bytes | None, host: str | None = "203.0.113.9") -> Request:
    headers = [] if agent is None else [(b"user-agent", agent)]
    client = None if host is None else (host, 4711)
    return Request({"type": "http", "headers": headers, "client": client})


def test_address_and_agent() -> None:
    assert client_of(request(b"curl/8")) == Client("203.0.113.9", "curl/8")
    assert client_of(request(None, None)) == Client(None, None)


@pytest.mark.parametrize(
    ("agent", "kept"), [(b"x" * 5000, "x" * 200), (b"a\x00\x1b[31m\nb", "a[31mb"), (b"", None)]
)
def test_hostile_agent(agent: bytes, kept: str | None) -> None:
    assert client_of(request(agent)).agent == kept

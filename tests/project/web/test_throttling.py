"""Rates, who is counted, and what the headers say."""

from typing import Any

import pytest
from starlette.requests import Request
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from project.management.server import _configure
from project.settings import Settings
from project.web.throttling import Quota, Rate, Verdict, address_of


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("100/minute", Rate(100, 60)),
        (" 5/5 minutes ", Rate(5, 300)),
        ("1/second", Rate(1, 1)),
        ("20/Hour", Rate(20, 3600)),
        ("3/2 days", Rate(3, 172_800)),
    ],
)
def test_rates(written: str, rate: Rate) -> None:
    assert Rate.parse(written) == rate
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize(
    "written", ["", "100", "0/minute", "-1/minute", "5/0 hours", "1/fortnight"]
)
def test_what_is_no_rate(written: str) -> None:
    with pytest.raises(ValueError, match="should be a rate"):
        Rate.parse(written)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_addresses(host: str, address: str) -> None:
    assert address_of(Request({"type": "http", "client": (host, 1), "headers": []})) == address


@pytest.mark.parametrize("client", [None, ("", 0)])
def test_a_client_without_address(client: Any) -> None:
    assert address_of(Request({"type": "http", "client": client, "headers": []})) == ""


def test_headers_of_a_verdict() -> None:
    """As in draft-ietf-httpapi-ratelimit-headers-11: a quota and a window, the rest and a time."""
    quota = Quota("exports", Rate(10, 60), ("x",))
    assert Verdict(quota, is_admitted=True, level=18.0).headers() == {
        "RateLimit-Policy": '"exports";q=10;w=60',
        "RateLimit": '"exports";r=7;t=18',
    }
    assert Verdict(quota, is_admitted=False, level=57.5).headers() == {
        "RateLimit-Policy": '"exports";q=10;w=60',
        "RateLimit": '"exports";r=0;t=4',
        "Retry-After": "4",
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.7", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.7", ["1.1.1.1, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.7", ["10.0.0.9, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.7", ["1.1.1.1", "192.0.2.1"], "192.0.2.1"),
        ("10.0.0.7", ["192.0.2.1, 10.0.0.8"], "192.0.2.1"),
        ("10.0.0.7", [], "10.0.0.7"),
        ("192.0.2.9", ["1.1.1.1"], "192.0.2.9"),
        ("192.0.2.9", ["10.0.0.7"], "192.0.2.9"),
    ],
)
async def test_only_proxies_say_who_calls(
    settings: Settings, peer: str, forwarded: list[str], address: str
) -> None:
    """What a client writes into X-Forwarded-For itself stands before what the proxy adds."""
    web = settings.web.model_copy(update={"trusted_proxies": ("10.0.0.0/8",)})
    config = _configure(settings.model_copy(update={"web": web}), workers=1)
    seen = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(address_of(Request(scope)))

    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: Any = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": headers}
    assert config.proxy_headers
    await ProxyHeadersMiddleware(app, config.forwarded_allow_ips)(scope, None, None)  # type: ignore[arg-type]
    assert seen == [address]

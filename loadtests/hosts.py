"""Whom a load test may burden: this machine, and what somebody has named on purpose."""

import os
from ipaddress import ip_address
from urllib.parse import urlsplit

VARIABLE = "LOADTEST_ALLOWED_HOSTS"


def refusal(address: str | None) -> str | None:
    """Why this address gets no load, in one line that says the mend; None if it may."""
    if not address:
        return "Name the server to be loaded: --host http://127.0.0.1:8000"
    try:
        name = urlsplit(address).hostname or ""
    except ValueError:
        name = ""
    if not name or "://" not in address:
        return f"{address} is no address: --host http://127.0.0.1:8000"
    named = {host.strip() for host in os.environ.get(VARIABLE, "").split(",")}
    if _is_loopback(name) or name in named:
        return None
    return (
        f"{address} is not this machine. Load only what is yours to load; "
        f"then name it: {VARIABLE}={name}"
    )


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:  # a name and no address
        return False

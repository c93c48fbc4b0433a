"""Codes of authenticator apps: TOTP (RFC 6238) with what every app can do.

SHA-1, six digits, half a minute. SHA-1 is sound in HMAC, and many apps ignore another choice.
"""

import base64
import hmac
import secrets
import time
from urllib.parse import quote, urlencode

DIGITS = 6
PERIOD = 30
SECRET_BYTES = 20
DRIFT = 1
"""Steps that a clock may be off, in either direction."""


def new_secret() -> bytes:
    """Return 160 random bits, as RFC 4226 recommends."""
    return secrets.token_bytes(SECRET_BYTES)


def current_step() -> int:
    """Count the half minutes since 1970."""
    return int(time.time()) // PERIOD


def code_at(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    """Return the code of one half minute (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def find_step(secret: bytes, code: str, *, now: int) -> int | None:
    """Return the step near `now` that a code belongs to; takes as long whichever it is."""
    found = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


def as_text(secret: bytes) -> str:
    """Write a secret as one types it into an app."""
    return base64.b32encode(secret).decode()


def as_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """Write a secret as QR codes carry it."""
    label = quote(f"{issuer}:{account}", safe="")
    query = urlencode(
        {
            "secret": as_text(secret),
            "issuer": issuer,
            "algorithm": "SHA1",
            "digits": DIGITS,
            "period": PERIOD,
        },
        quote_via=quote,
    )
    return f"otpauth://totp/{label}?{query}"

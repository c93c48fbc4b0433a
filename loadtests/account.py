"""The account of a simulated visitor: the one place that knows how people sign in."""

from __future__ import annotations

import json
import secrets
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from loadtests.visitor import Visitor

REGISTER = "/api/v1/users/"
SIGN_IN = "/api/v1/auth/token"
REFRESH = "/api/v1/auth/refresh"
SIGN_OUT = "/api/v1/auth/logout"
MARGIN = 30.0
"""Seconds before its end from which on an access token is not used any more."""


class Account:
    """Opened through the API at the first use; its tokens are refreshed when they grow old.

    These requests are measured under names of their own, so that no journey pays for them.
    Several visitors can share an account, one after the other or side by side.
    """

    def __init__(self) -> None:
        self._email = f"visitor-{secrets.token_hex(12)}@example.com"
        self._password = secrets.token_urlsafe(24)
        self._is_registered = False
        self._tokens: dict[str, Any] = {}
        self._fresh_until = 0.0

    def headers(self, visitor: Visitor) -> dict[str, str]:
        """The headers of a request that this account makes. Raises UnexpectedStatus."""
        if not self._tokens:
            self._keep(self.sign_in(visitor, name=f"(account) {SIGN_IN}"))
        elif monotonic() > self._fresh_until:
            self._refresh(visitor)
        return bearer(self._tokens)

    def sign_in(self, visitor: Visitor, *, name: str = SIGN_IN) -> dict[str, Any]:
        """Sign in anew, and return tokens of that session's own. Raises UnexpectedStatus."""
        if not self._is_registered:
            self._register(visitor)
        form = urlencode({"username": self._email, "password": self._password})
        kind = "application/x-www-form-urlencoded"
        tokens: dict[str, Any] = _post(visitor, SIGN_IN, kind, form, name=name)
        return tokens

    def _register(self, visitor: Visitor) -> None:
        body = json.dumps({"email": self._email, "password": self._password})
        name = f"(account) {REGISTER}"
        _post(visitor, REGISTER, "application/json", body, name=name, expect=201)
        self._is_registered = True

    def _refresh(self, visitor: Visitor) -> None:
        """A refresh token works once: whatever comes of it, the next try is a new sign-in."""
        token = self._tokens.pop("refresh_token")
        self._tokens = {}
        body = json.dumps({"refresh_token": token})
        name = f"(account) {REFRESH}"
        self._keep(_post(visitor, REFRESH, "application/json", body, name=name))

    def _keep(self, tokens: dict[str, Any]) -> None:
        self._tokens = tokens
        self._fresh_until = monotonic() + tokens["expires_in"] - MARGIN


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    """The headers of a request that is made with these tokens."""
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def _post(
    visitor: Visitor, path: str, content_type: str, body: str, *, name: str, expect: int = 200
) -> Any:
    from loadtests.visitor import Request  # noqa: PLC0415 - a visitor has an account

    headers = {"Content-Type": content_type}
    return visitor.send(
        Request(method="POST", path=path, name=name, expect=(expect,), headers=headers, body=body)
    )

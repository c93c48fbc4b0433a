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
MARGIN = 30.0
"""Seconds before its end from which on an access token is not used any more."""


class Account:
    """Opened through the API at the first use; its tokens are refreshed when they grow old.

    These requests are measured under names of their own, so that no journey pays for them.
    """

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._email = f"visitor-{secrets.token_hex(12)}@example.com"
        self._password = secrets.token_urlsafe(24)
        self._is_registered = False
        self._tokens: dict[str, Any] = {}
        self._fresh_until = 0.0

    def headers(self) -> dict[str, str]:
        """The headers of a request that this account makes. Raises UnexpectedStatus."""
        if not self._tokens:
            self._sign_in()
        elif monotonic() > self._fresh_until:
            self._refresh()
        return {"Authorization": f"Bearer {self._tokens['access_token']}"}

    def _sign_in(self) -> None:
        person = {"email": self._email, "password": self._password}
        if not self._is_registered:
            self._post(REGISTER, "application/json", json.dumps(person), expect=201)
            self._is_registered = True
        form = urlencode({"username": self._email, "password": self._password})
        self._keep(self._post(SIGN_IN, "application/x-www-form-urlencoded", form, expect=200))

    def _refresh(self) -> None:
        """A refresh token works once: whatever comes of it, the next try is a new sign-in."""
        token = self._tokens.pop("refresh_token")
        self._tokens = {}
        body = json.dumps({"refresh_token": token})
        self._keep(self._post(REFRESH, "application/json", body, expect=200))

    def _keep(self, tokens: dict[str, Any]) -> None:
        self._tokens = tokens
        self._fresh_until = monotonic() + tokens["expires_in"] - MARGIN

    def _post(self, path: str, content_type: str, body: str, *, expect: int) -> Any:
        from loadtests.visitor import Request  # noqa: PLC0415 - a visitor has an account

        request = Request(
            method="POST",
            path=path,
            name=f"(account) {path}",
            expect=(expect,),
            headers={"Content-Type": content_type},
            body=body,
        )
        return self._visitor.send(request)

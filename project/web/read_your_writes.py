"""Whoever has written reads what was written, though a replica is a moment behind.

The answer to a request that committed something carries a token: how far the log of changes had
come by then. Browsers bring it back as a cookie, other clients in the header `Read-After`. As long
as the replica has not replayed that much, such a client reads from the primary.

The token is signed, or anybody could make every read go to the primary. It ends when a replica
that has not got there would be left out for its lag anyway.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from time import time

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from project.db.replica.positions import Written, current_writes

HEADER = "Read-After"
COOKIE = "lintel_read_after"
CONTENT = struct.Struct(">QI")
"""The position, and when the token ends in Unix time."""

SIGNATURE_BYTES = 16
LONGEST = 64
"""Characters that are looked at."""

MARGIN = 30
"""Seconds that clocks of several hosts may differ, and looks at the replica be late."""

POSITION = "lintel.read_after"


class ReadTokens:
    """Makes and reads the tokens; every host with the same SECRET_KEY understands them."""

    def __init__(self, secret_keys: Sequence[str], *, max_lag: float) -> None:
        self._keys = [hmac.digest(key.encode(), b"read-after", "sha256") for key in secret_keys]
        self.lifetime = int(2 * max_lag) + MARGIN

    def issue(self, position: int) -> str:
        content = CONTENT.pack(position, int(time()) + self.lifetime)
        return urlsafe_b64encode(content + _sign(content, self._keys[0])).decode().rstrip("=")

    def read(self, token: str) -> int | None:
        """Return the position; None for a token that is over, or none of ours."""
        try:
            whole = urlsafe_b64decode(token[:LONGEST].encode() + b"==")
            content, signature = whole[: CONTENT.size], whole[CONTENT.size :]
            position, end = CONTENT.unpack(content)
        except (NotBase64, struct.error):
            return None
        is_ours = any(hmac.compare_digest(_sign(content, key), signature) for key in self._keys)
        return int(position) if is_ours and end > time() else None


class ReadYourWrites:
    """Puts tokens into answers, and reads those that requests bring."""

    def __init__(self, app: ASGIApp, tokens: ReadTokens) -> None:
        self.app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        written = Written()

        async def send_with_token(message: Message) -> None:
            if message["type"] == "http.response.start" and written.position is not None:
                self._add(MutableHeaders(scope=message), scope, written.position)
            await send(message)

        scope[POSITION] = self._position(scope)
        before = current_writes.set(written)
        try:
            await self.app(scope, receive, send_with_token)
        finally:
            current_writes.reset(before)

    def _position(self, scope: Scope) -> int | None:
        request = Request(scope)
        token = request.headers.get(HEADER) or request.cookies.get(COOKIE)
        return self._tokens.read(token) if token else None

    def _add(self, headers: MutableHeaders, scope: Scope, position: int) -> None:
        token = self._tokens.issue(position)
        headers[HEADER] = token
        carrier = Response()
        carrier.set_cookie(
            COOKIE,
            token,
            max_age=self._tokens.lifetime,
            httponly=True,
            samesite="lax",
            secure=scope["scheme"] == "https",
        )
        headers.append("set-cookie", carrier.headers["set-cookie"])


def position_of(request: Request) -> int | None:
    """Return how far the client has written, as its request tells; None if it does not."""
    position: int | None = request.scope.get(POSITION)
    return position


def _sign(content: bytes, key: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")[:SIGNATURE_BYTES]

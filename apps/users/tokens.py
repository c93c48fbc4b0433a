"""Access tokens (JWT, RFC 9068) and refresh tokens (opaque)."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from apps.users.errors import InvalidToken
from project.web.principal import Claims

ALGORITHM = "HS256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type
ISSUER = "lintel"
AUDIENCE = "lintel-api"
LEEWAY = timedelta(seconds=30)
MAXIMUM_LENGTH = 4096
REQUIRED = ["exp", "iat", "nbf", "sub", "sid", "jti", "aud", "iss"]


@dataclass(frozen=True)
class AccessTokens:
    """Signs with the first key and verifies with all, so that keys can be rotated."""

    secret_keys: Sequence[str]
    lifetime: timedelta

    def issue(self, *, user_id: int, session_id: uuid.UUID) -> str:
        """Return a signed token for this user and session."""
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime,
        }
        key_id, key = _derive(self.secret_keys[0])
        return jwt.encode(claims, key, ALGORITHM, headers={"kid": key_id, "typ": TOKEN_TYPE})

    def verify(self, token: str) -> Claims:
        """Return the claims of a genuine, current token. Raises InvalidToken."""
        if len(token) > MAXIMUM_LENGTH:
            raise InvalidToken
        try:
            header = jwt.get_unverified_header(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key_for(header),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": REQUIRED, "strict_aud": True},
            )
            return {
                "sub": int(claims["sub"]),
                "sid": uuid.UUID(str(claims["sid"])),
                "exp": int(claims["exp"]),
            }
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise InvalidToken from error

    def _key_for(self, header: dict[str, Any]) -> bytes:
        keys = dict(_derive(secret) for secret in self.secret_keys)
        key = keys.get(str(header.get("kid")))
        if key is None or header.get("typ") != TOKEN_TYPE:
            raise InvalidToken
        return key


def _derive(secret: str) -> tuple[str, bytes]:
    """Make this purpose's own key out of the secret, and a name for it that tells nothing."""
    key = hmac.digest(secret.encode(), b"access-token", "sha256")
    return hashlib.sha256(key).hexdigest()[:12], key


def new_refresh_token() -> str:
    """Return 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_refresh_token(token: str) -> bytes:
    """Return what the database keeps of a refresh token."""
    return hashlib.sha256(token.encode()).digest()

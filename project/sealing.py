"""Encryption of what has to be read again, with keys made of SECRET_KEY.

AES-256-GCM. What is sealed is bound to its context: copied into another row it opens no more.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_ID_BYTES = 8
NONCE_BYTES = 12


class Unreadable(Exception):
    """It was sealed with a key that is gone, for something else, or has been tampered with."""


@dataclass(frozen=True)
class Seal:
    """Seals with the first key and opens with all, so that keys can be rotated.

    Each purpose has keys of its own.
    """

    secret_keys: Sequence[str]
    purpose: bytes

    def close(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt: the key's name, a nonce, the rest."""
        key_id, key = self._derive(self.secret_keys[0])
        nonce = secrets.token_bytes(NONCE_BYTES)
        return key_id + nonce + AESGCM(key).encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt with the key that is named. Raises Unreadable."""
        keys = dict(self._derive(secret) for secret in self.secret_keys)
        key = keys.get(sealed[:KEY_ID_BYTES])
        if key is None:
            raise Unreadable
        rest = sealed[KEY_ID_BYTES:]
        try:
            nonce, secret = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
            return AESGCM(key).decrypt(nonce, secret, context)
        except (InvalidTag, ValueError) as error:
            raise Unreadable from error

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the first key."""
        return sealed[:KEY_ID_BYTES] == self._derive(self.secret_keys[0])[0]

    def _derive(self, secret: str) -> tuple[bytes, bytes]:
        """Make this purpose's own key out of the secret, and a name for it that tells nothing."""
        key = hmac.digest(secret.encode(), self.purpose, "sha256")
        return hashlib.sha256(key).digest()[:KEY_ID_BYTES], key

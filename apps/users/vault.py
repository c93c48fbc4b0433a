"""Encryption of what has to be read again, with keys made of SECRET_KEY.

AES-256-GCM. What is sealed is bound to its owner: copied into another row it opens no more.
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
    """It was sealed with a key that is gone, for somebody else, or has been tampered with."""


@dataclass(frozen=True)
class Vault:
    """Seals with the first key and opens with all, so that keys can be rotated."""

    secret_keys: Sequence[str]

    def seal(self, plain: bytes, *, owner: int) -> bytes:
        """Encrypt: the key's name, a nonce, the rest."""
        key_id, key = _derive(self.secret_keys[0])
        nonce = secrets.token_bytes(NONCE_BYTES)
        return key_id + nonce + AESGCM(key).encrypt(nonce, plain, _context(owner))

    def open(self, sealed: bytes, *, owner: int) -> bytes:
        """Decrypt with the key that is named. Raises Unreadable."""
        keys = dict(_derive(secret) for secret in self.secret_keys)
        key = keys.get(sealed[:KEY_ID_BYTES])
        if key is None:
            raise Unreadable
        rest = sealed[KEY_ID_BYTES:]
        try:
            nonce, secret = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
            return AESGCM(key).decrypt(nonce, secret, _context(owner))
        except (InvalidTag, ValueError) as error:
            raise Unreadable from error

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the first key."""
        return sealed[:KEY_ID_BYTES] == _derive(self.secret_keys[0])[0]


def _context(owner: int) -> bytes:
    return b"two-factor:%d" % owner


def _derive(secret: str) -> tuple[bytes, bytes]:
    """Make this purpose's own key out of the secret, and a name for it that tells nothing."""
    key = hmac.digest(secret.encode(), b"two-factor", "sha256")
    return hashlib.sha256(key).digest()[:KEY_ID_BYTES], key

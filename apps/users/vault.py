"""Secrets of second factors, encrypted with keys made of SECRET_KEY.

What is sealed is bound to its owner: copied into another row it opens no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from project.sealing import Seal, Unreadable

__all__ = ["Unreadable", "Vault"]

PURPOSE = b"two-factor"


@dataclass(frozen=True)
class Vault:
    """Seals with the first key and opens with all, so that keys can be rotated."""

    secret_keys: Sequence[str]

    def seal(self, plain: bytes, *, owner: int) -> bytes:
        """Encrypt for one account."""
        return self._seal.close(plain, _context(owner))

    def open(self, sealed: bytes, *, owner: int) -> bytes:
        """Decrypt with the key that is named. Raises Unreadable."""
        return self._seal.open(sealed, _context(owner))

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the first key."""
        return self._seal.is_current(sealed)

    @property
    def _seal(self) -> Seal:
        return Seal(self.secret_keys, PURPOSE)


def _context(owner: int) -> bytes:
    return b"two-factor:%d" % owner

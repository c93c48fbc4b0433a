"""Password hashing: argon2id with OWASP's parameters. CPU-bound, so it runs in the hash lane."""

from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_hasher = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 256


def hash_password(password: str) -> str:
    """Return the argon2id string of a password. Takes some 20 ms and 19 MiB."""
    return _hasher.hash(password)


def verify_password(password: str, password_hash: str | None) -> bool:
    """Tell whether the password is right; takes as long when there is no hash to compare."""
    if password_hash is None:
        _hasher.verify(password, _decoy())
        return False
    try:
        return _hasher.verify(password, password_hash)
    except UnknownHashError:
        return False


@cache
def _decoy() -> str:
    """Hash nobody's password, so that an unknown account costs the same time as a known one."""
    return _hasher.hash("nobody's password")

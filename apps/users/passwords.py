"""Password hashing: argon2id with OWASP's parameters. CPU-bound, so it runs in the hash lane."""

from functools import cache
from typing import NamedTuple

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from apps.users.password_rules import refuse_weak_password

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
_hasher = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))


def hash_password(password: str) -> str:
    """Return the argon2id string of a password. Takes some 20 ms and 19 MiB."""
    return _hasher.hash(password)


def hash_new_password(password: str, *, email: str, full_name: str | None = None) -> str:
    """Hash the password that an account is to have; every way to set one comes through here.

    Raises CommonPassword or SimilarPassword.
    """
    refuse_weak_password(password, email=email, full_name=full_name)
    return hash_password(password)


class Verdict(NamedTuple):
    """Whether a password is right, and its new hash if the old one is of weaker parameters."""

    is_right: bool
    better_hash: str | None = None


def judge_password(password: str, password_hash: str | None) -> Verdict:
    """Compare; takes as long when there is no hash to compare with."""
    if password_hash is None:
        _hasher.verify(password, _decoy())
        return Verdict(is_right=False)
    try:
        return Verdict(*_hasher.verify_and_update(password, password_hash))
    except UnknownHashError:
        return Verdict(is_right=False)


def verify_password(password: str, password_hash: str | None) -> bool:
    """Tell whether the password is right."""
    return judge_password(password, password_hash).is_right


@cache
def _decoy() -> str:
    """Hash nobody's password, so that an unknown account costs the same time as a known one."""
    return _hasher.hash("nobody's password")

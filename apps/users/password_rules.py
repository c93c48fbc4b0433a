"""Which passwords are refused: what attackers try first (OWASP ASVS 6.2.4, 6.2.11).

Nothing here asks for capitals, digits or signs: such rules make passwords alike (6.2.5). How long
one has to be is asked by whatever reads it (`apps.users.validation`).
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from apps.users.errors import CommonPassword, SimilarPassword

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 256

LIST = Path(__file__).with_name("common_passwords.txt")
SIMILARITY = 0.7
"""From this ratio on two words are too much alike; Django's bound."""

SHORTEST_PART = 4
"""Shorter parts of an address or a name ("ann") are in good passwords, too."""


def refuse_weak_password(password: str, *, email: str, full_name: str | None = None) -> None:
    """Raise CommonPassword, or SimilarPassword for one made from the account's address or name."""
    lowered = password.lower()
    if lowered in common_passwords():
        raise CommonPassword
    if any(_is_similar(lowered, part) for part in _parts(email, full_name)):
        raise SimilarPassword


@cache
def common_passwords() -> frozenset[str]:
    """Read the list, once in each process."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _parts(email: str, full_name: str | None) -> Iterator[str]:
    """Yield the address, the name, and the words of both."""
    for whole in (email.lower(), email.lower().rpartition("@")[0], (full_name or "").lower()):
        yield from {whole, *re.split(r"\W+", whole)}


def _is_similar(password: str, part: str) -> bool:
    """Whether little is left without the part, or a person would call the two the same."""
    if len(part) < SHORTEST_PART:
        return False
    rest = password.replace(part, "")
    if rest != password and (len(rest) < MINIMUM_LENGTH or rest in common_passwords()):
        return True
    matcher = SequenceMatcher(None, password, part)
    # In this order each costs more than the one before, and bounds it from above.
    return (
        matcher.real_quick_ratio() >= SIMILARITY
        and matcher.quick_ratio() >= SIMILARITY
        and matcher.ratio() >= SIMILARITY
    )

import pytest

from apps.users.vault import Unreadable, Vault

KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
OLDER_KEY = "zyxwvutsrqponmlkjihgfedcba9876543210"


def test_sealed_and_opened() -> None:
    vault = Vault([KEY])
    sealed = vault.seal(b"secret", owner=5)
    assert b"secret" not in sealed
    assert vault.open(sealed, owner=5) == b"secret"
    assert vault.seal(b"secret", owner=5) != sealed


def test_rotation_of_keys() -> None:
    sealed = Vault([OLDER_KEY]).seal(b"secret", owner=5)
    rotated = Vault([KEY, OLDER_KEY])
    assert rotated.open(sealed, owner=5) == b"secret"
    assert not rotated.is_current(sealed)
    assert rotated.is_current(rotated.seal(b"secret", owner=5))
    with pytest.raises(Unreadable):
        Vault([KEY]).open(sealed, owner=5)


def test_copied_to_another_account() -> None:
    """Who can write to the table cannot make their own secret somebody else's."""
    sealed = Vault([KEY]).seal(b"secret", owner=5)
    with pytest.raises(Unreadable):
        Vault([KEY]).open(sealed, owner=6)


@pytest.mark.parametrize("position", [0, 10, -1])
def test_tampered_with(position: int) -> None:
    sealed = bytearray(Vault([KEY]).seal(b"secret", owner=5))
    sealed[position] ^= 1
    with pytest.raises(Unreadable):
        Vault([KEY]).open(bytes(sealed), owner=5)


@pytest.mark.parametrize("length", [0, 8, 12, 20, 30])
def test_cut_off(length: int) -> None:
    sealed = Vault([KEY]).seal(b"secret", owner=5)
    with pytest.raises(Unreadable):
        Vault([KEY]).open(sealed[:length], owner=5)

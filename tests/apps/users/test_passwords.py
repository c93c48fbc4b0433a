import pytest

from apps.users.passwords import hash_password, verify_password


def test_hash_is_argon2id_with_the_parameters_of_owasp() -> None:
    assert hash_password("correct horse").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_hash_is_salted() -> None:
    assert hash_password("correct horse") != hash_password("correct horse")


@pytest.mark.parametrize("password", ["correct horse", "x" * 256, "пароль", "🔑" * 64, " "])
def test_right_password(password: str) -> None:
    assert verify_password(password, hash_password(password))


def test_every_character_counts() -> None:
    """No cut at 72 bytes, no trimming, no folding of capitals."""
    stored = hash_password("x" * 255 + "y")
    assert not verify_password("x" * 256, stored)
    assert not verify_password("x" * 255 + "Y", stored)
    assert not verify_password("x" * 255 + "y ", stored)


@pytest.mark.parametrize("stored", [None, "", "plain text", "$argon2id$", "$2b$12$" + "x" * 53])
def test_no_hash_is_no_entry(stored: str | None) -> None:
    assert not verify_password("plain text", stored)
    assert not verify_password("", stored)

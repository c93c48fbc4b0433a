from urllib.parse import parse_qs, urlsplit

import pytest

from apps.users import totp

SECRET = b"12345678901234567890"  # of RFC 6238


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    assert totp.code_at(SECRET, seconds // totp.PERIOD, digits=8) == code


def test_vectors_of_rfc_4226() -> None:
    codes = [totp.code_at(SECRET, count) for count in range(4)]
    assert codes == ["755224", "287082", "359152", "969429"]


@pytest.mark.parametrize(("offset", "is_found"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_clocks_may_differ_by_a_step(offset: int, is_found: bool) -> None:
    code = totp.code_at(SECRET, 1000 + offset)
    assert (totp.find_step(SECRET, code, now=1000) is not None) == is_found


@pytest.mark.parametrize("code", ["", "75522", "7552240", "٧٥٥٢٢٤", "abcdef"])
def test_what_is_no_code(code: str) -> None:
    assert totp.find_step(SECRET, code, now=0 + 1) is None


def test_secrets_are_random() -> None:
    made = {totp.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(secret) for secret in made} == {20}


def test_uri() -> None:
    uri = urlsplit(totp.as_uri(SECRET, account="ada+x@example.com", issuer="Oak & Ash"))
    query = parse_qs(uri.query)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path == "/Oak%20%26%20Ash%3Aada%2Bx%40example.com"
    assert query["secret"] == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"]
    assert query["issuer"] == ["Oak & Ash"]

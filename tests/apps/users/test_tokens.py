"""Every way to forge or outlive an access token."""

import base64
import json
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy.orm import Session

from apps.users import tokens
from apps.users.errors import InvalidToken
from apps.users.models import User
from apps.users.services import Grant, start_session
from apps.users.tokens import AccessTokens, hash_refresh_token, new_refresh_token
from project.application import create_application
from project.runtime import Runtime
from project.settings import Settings
from tests.database import TestDatabase
from tests.factories.users import UserFactory

KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
OLDER_KEY = "zyxwvutsrqponmlkjihgfedcba9876543210"
SESSION = uuid.UUID(int=7)
LIFETIME = timedelta(minutes=10)
ME = "/api/v1/users/me"


@pytest.fixture
def signer() -> AccessTokens:
    return AccessTokens([KEY], LIFETIME)


def issue(**changes: Any) -> str:
    """Sign what an attacker who had the key could: claims and header changed, None to drop."""
    signed = AccessTokens([KEY], LIFETIME).issue(user_id=5, session_id=SESSION)
    header, claims = jwt.get_unverified_header(signed), unsigned_claims(signed)
    for name, value in changes.items():
        part = header if name in {"alg", "typ", "kid", "jwk", "crit", "x5u", "b64"} else claims
        part[name] = value
        if value is None:
            del part[name]
    _, key = tokens._derive(KEY)
    algorithm = header.pop("alg")
    return jwt.encode(claims, key, algorithm, headers=header)


def unsigned_claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def swap_algorithm(name: str) -> str:
    """Say that a genuine token was signed by another algorithm."""
    header, rest = jwt.get_unverified_header(issue()), issue().split(".")[1:]
    return ".".join([encode({**header, "alg": name}), *rest])


def now() -> int:
    return int(time.time())


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_a_token_of_ours(signer: AccessTokens) -> None:
    """The forger's way of making tokens makes good ones, if nothing is forged."""
    claims = signer.verify(issue())
    assert (claims["sub"], claims["sid"]) == (5, SESSION)


def test_a_token_that_was_good_ends(signer: AccessTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is genuine is remembered; that it is current is asked each time."""
    token = signer.issue(user_id=5, session_id=SESSION)
    signer.verify(token)
    end = unsigned_claims(token)["exp"] + tokens.LEEWAY.total_seconds()
    monkeypatch.setattr(time, "time", lambda: end - 1)
    signer.verify(token)
    monkeypatch.setattr(time, "time", lambda: end)
    with pytest.raises(InvalidToken):
        signer.verify(token)


def test_a_token_that_was_good_ends_with_its_key(signer: AccessTokens) -> None:
    token = signer.issue(user_id=5, session_id=SESSION)
    signer.verify(token)
    with pytest.raises(InvalidToken):
        AccessTokens([OLDER_KEY], LIFETIME).verify(token)


def test_a_token_says_who_and_how_long(signer: AccessTokens) -> None:
    token = signer.issue(user_id=5, session_id=SESSION)
    claims = unsigned_claims(token)
    assert claims.keys() == {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"}
    assert claims["exp"] - claims["iat"] == 600
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_each_token_is_its_own(signer: AccessTokens) -> None:
    assert len({signer.issue(user_id=5, session_id=SESSION) for _ in range(10)}) == 10


FORGERIES: dict[str, Callable[[], str]] = {
    "no signature": lambda: issue().rpartition(".")[0] + ".",
    "cut signature": lambda: issue()[:-4],
    "two parts": lambda: issue().rpartition(".")[0],
    "five parts": lambda: issue() + ".a.b",
    "empty": lambda: "",
    "dots": lambda: "..",
    "text": lambda: "Bearer",
    "not ASCII": lambda: "é.ü.ß",
    "half of a pair": lambda: "\ud800.e30.x",
    "NUL": lambda: "\x00",
    "brackets": lambda: f"{'W1tb' * 900}.e30.x",
    "alg none": lambda: f"{encode({'alg': 'none', 'typ': 'at+jwt'})}.{issue().split('.')[1]}.",
    "alg None, signed": lambda: ".".join(
        [encode({**jwt.get_unverified_header(issue()), "alg": "None"}), *issue().split(".")[1:]]
    ),
    "alg HS512": lambda: issue(alg="HS512"),
    "alg HS384": lambda: issue(alg="HS384"),
    "alg RS256 over our signature": lambda: swap_algorithm("RS256"),
    "alg ES256 over our signature": lambda: swap_algorithm("ES256"),
    "alg RS256, signed": lambda: jwt.encode(
        unsigned_claims(issue()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "RS256",
        headers={"kid": tokens._derive(KEY)[0], "typ": "at+jwt"},
    ),
    "alg is a list": lambda: f"{encode({'alg': ['HS256']})}.e30.x",
    "header is a list": lambda: f"{encode(['HS256'])}.e30.x",
    "claims are a list": lambda: jwt.api_jws.encode(
        b"[1]",
        tokens._derive(KEY)[1],
        "HS256",
        headers={"kid": tokens._derive(KEY)[0], "typ": "at+jwt"},
    ),
    "kid unknown": lambda: issue(kid="unknown"),
    "kid of another type": lambda: f"{encode({'kid': []})}.e30.x",
    "no kid": lambda: issue(kid=None),
    "typ JWT": lambda: issue(typ="JWT"),
    "no typ": lambda: f"{encode({'alg': 'HS256', 'kid': tokens._derive(KEY)[0]})}.e30.x",
    "crit": lambda: issue(crit=["lintel"], lintel=True),
    "crit b64": lambda: issue(crit=["b64"], b64=False),
    "aud of another": lambda: issue(aud="another-api"),
    "aud among others": lambda: issue(aud=["lintel-api", "another-api"]),
    "aud a list": lambda: issue(aud=["lintel-api"]),
    "iss of another": lambda: issue(iss="another"),
    "expired": lambda: issue(exp=now() - 31),
    "exp a text": lambda: issue(exp="tomorrow"),
    "exp before time": lambda: issue(exp=-1),
    "iat in the future": lambda: issue(iat=now() + 60),
    "iat a text": lambda: issue(iat="now"),
    "nbf in the future": lambda: issue(nbf=now() + 60),
    "sub a number": lambda: issue(sub=5),
    "sub a text": lambda: issue(sub="admin"),
    "sub empty": lambda: issue(sub=""),
    "sid a number": lambda: issue(sid=7),
    "sid a text": lambda: issue(sid="session"),
    "sid a list": lambda: issue(sid=[str(SESSION)]),
    "5 MB": lambda: f"{'a' * 5_000_000}.e30.x",
    "5 MB, signed": lambda: issue(note="x" * 5_000_000),
}


@pytest.mark.filterwarnings("ignore:The HMAC key is")  # too short for HS512, says PyJWT
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_forgery(signer: AccessTokens, forge: Callable[[], str]) -> None:
    with pytest.raises(InvalidToken):
        signer.verify(forge())


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "sub", "sid", "jti", "aud", "iss"])
def test_missing_claim(signer: AccessTokens, claim: str) -> None:
    with pytest.raises(InvalidToken):
        signer.verify(issue(**{claim: None}))


def test_key_in_the_header_is_not_believed(signer: AccessTokens) -> None:
    """An attacker's own key, carried along as `jwk`, verifies nothing."""
    own = b"an attacker's own key, of 32 bytes"
    kid, _ = tokens._derive(KEY)
    jwk = {"kty": "oct", "k": base64.urlsafe_b64encode(own).decode()}
    headers = {"kid": kid, "typ": "at+jwt", "jwk": jwk}
    with pytest.raises(InvalidToken):
        signer.verify(jwt.encode(unsigned_claims(issue()), own, "HS256", headers=headers))


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_clocks_may_differ_a_little(signer: AccessTokens, claim: str) -> None:
    moment = now() - 25 if claim == "exp" else now() + 25
    assert signer.verify(issue(**{claim: moment}))["sub"] == 5


def test_another_secret_verifies_nothing() -> None:
    with pytest.raises(InvalidToken):
        AccessTokens([OLDER_KEY], LIFETIME).verify(issue())


def test_the_secret_itself_signs_nothing(signer: AccessTokens) -> None:
    """The signing key is derived, so what else the secret signs is no token."""
    token = jwt.encode(unsigned_claims(issue()), KEY, "HS256", headers={"typ": "at+jwt"})
    with pytest.raises(InvalidToken):
        signer.verify(token)


def test_older_key_still_verifies() -> None:
    old = AccessTokens([OLDER_KEY], LIFETIME).issue(user_id=5, session_id=SESSION)
    rotated = AccessTokens([KEY, OLDER_KEY], LIFETIME)
    fresh = rotated.issue(user_id=5, session_id=SESSION)
    assert rotated.verify(old)["sub"] == 5
    assert AccessTokens([KEY], LIFETIME).verify(fresh)["sub"] == 5


def test_refresh_token_is_random_and_long() -> None:
    made = {new_refresh_token() for _ in range(100)}
    assert len(made) == 100
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in made)
    assert len(hash_refresh_token("é" * 100)) == 32


# Through the API


@pytest.fixture
def grant(session: Session) -> Grant:
    grant = start_session(session, user_id=UserFactory().id, lifetime=LIFETIME)
    session.commit()
    return grant


def test_request_anonymous(client: TestClient) -> None:
    for value in ("", "Bearer", "Bearer ", "Basic dGVzdA==", "Token x", f"Bearer {issue()}"):
        response = client.get(ME, headers={"Authorization": value})
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.headers["Content-Type"] == "application/problem+json"


def test_request_with_5_megabytes(client: TestClient) -> None:
    headers = {"Authorization": f"Bearer {'a' * 5_000_000}.e30.x"}
    assert client.get(ME, headers=headers).status_code == 401


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_scheme_in_any_capitals(
    client: TestClient, runtime: Runtime, grant: Grant, scheme: str
) -> None:
    token = signer_of(runtime).issue(user_id=grant.user_id, session_id=grant.session_id)
    assert client.get(ME, headers={"Authorization": f"{scheme} {token}"}).status_code == 200


def test_token_of_another_session(client: TestClient, runtime: Runtime, grant: Grant) -> None:
    """User and session must belong together, and both must exist."""
    other: User = UserFactory()
    for user_id, session_id in (
        (other.id, grant.session_id),
        (grant.user_id, uuid.uuid4()),
        (2**63 - 1, grant.session_id),
    ):
        token = signer_of(runtime).issue(user_id=user_id, session_id=session_id)
        assert client.get(ME, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_rotation_of_keys_signs_nobody_out(
    settings: Settings, database: TestDatabase, grant: Grant
) -> None:
    old = AccessTokens([OLDER_KEY], LIFETIME)
    token = old.issue(user_id=grant.user_id, session_id=grant.session_id)
    for fallbacks, status in (((SecretStr(OLDER_KEY),), 200), ((), 401)):
        update = {"secret_key": SecretStr(KEY), "secret_key_fallbacks": fallbacks}
        security = settings.security.model_copy(update=update)
        app = create_application(
            settings.model_copy(update={"security": security}), database=database
        )
        with TestClient(app) as client:
            response = client.get(ME, headers={"Authorization": f"Bearer {token}"})
            assert response.status_code == status


def signer_of(runtime: Runtime) -> AccessTokens:
    return AccessTokens(runtime.settings.secret_keys, LIFETIME)

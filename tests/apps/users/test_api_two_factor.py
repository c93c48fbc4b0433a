"""The second factor, through the API."""

import asyncio
from base64 import b32decode
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import AsyncClient, Response
from loguru import logger
from sqlalchemy.orm import Session

from apps.users import totp
from apps.users.models import User
from apps.users.second_step import vault_of
from project.application import create_application
from project.runtime import Runtime
from project.settings import Settings
from tests.apps.users.enrolment import Enrolled, enrolled
from tests.database import TestDatabase
from tests.factories.users import PASSWORD, UserFactory

URL = "/api/v1/auth/two-factor"
TOKEN = "/api/v1/auth/token"
Headers = dict[str, str]


@pytest.fixture
def ada(session: Session, runtime: Runtime) -> Enrolled:
    return enrolled(session, vault_of(runtime))


def sign_in(client: TestClient, user: User, otp: str | None = None, **form: str) -> Response:
    form = {"username": user.email, "password": PASSWORD} | form
    return client.post(TOKEN, data=form if otp is None else form | {"otp": otp})


def bearer(response: Response) -> Headers:
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


def prove(client: TestClient, method: str, path: str, headers: Headers, **body: Any) -> Response:
    return client.request(method, path, headers=headers, json={"password": PASSWORD} | body)


def code_of(offer: dict[str, str]) -> str:
    secret = b32decode(offer["secret"])
    return totp.code_at(secret, totp.current_step())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("POST", "/confirm"),
        ("POST", "/recovery-codes"),
        ("DELETE", ""),
    ],
)
def test_anonymous(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, URL + path, json={"password": "x", "code": "123456"})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_sign_in_asks_for_the_code(client: TestClient, ada: Enrolled) -> None:
    response = sign_in(client, ada.user)
    assert (response.status_code, response.json()["code"]) == (401, "two_factor_required")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert sign_in(client, ada.user, "").json()["code"] == "two_factor_required"
    assert sign_in(client, ada.user, ada.code()).status_code == 200


def test_wrong_password_tells_nothing_of_the_factor(client: TestClient, ada: Enrolled) -> None:
    for otp in (None, ada.code(), "000000"):
        response = sign_in(client, ada.user, otp, password="wrong password")
        assert response.json()["code"] == "wrong_credentials"
    assert sign_in(client, ada.user, ada.code()).status_code == 200, "no code was used up"


def test_code_of_an_account_without_a_factor_is_ignored(client: TestClient) -> None:
    assert sign_in(client, UserFactory.create(), "123456").status_code == 200


def test_five_wrong_codes_lock(client: TestClient, ada: Enrolled) -> None:
    """What was counted is there after the refusal."""
    for _ in range(5):
        response = sign_in(client, ada.user, ada.wrong_code())
        assert (response.status_code, response.json()["code"]) == (401, "wrong_code")
    response = sign_in(client, ada.user, ada.code())
    assert (response.status_code, response.json()["code"]) == (429, "two_factor_locked")
    assert 800 < int(response.headers["Retry-After"]) <= 900
    assert sign_in(client, ada.user, ada.recovery_codes[0]).status_code == 200


@pytest.mark.committed
@pytest.mark.anyio
async def test_same_code_several_times_at_once(
    async_client: AsyncClient, session: Session, runtime: Runtime
) -> None:
    ada = enrolled(session, vault_of(runtime))
    form = {"username": ada.user.email, "password": PASSWORD, "otp": ada.code()}
    requests = (async_client.post(TOKEN, data=form) for _ in range(4))
    responses = await asyncio.gather(*requests)
    assert sorted(response.status_code for response in responses) == [200] + [401] * 3


@pytest.mark.committed
@pytest.mark.anyio
async def test_wrong_codes_at_once_are_all_counted(
    async_client: AsyncClient, session: Session, runtime: Runtime
) -> None:
    ada = enrolled(session, vault_of(runtime))
    form = {"username": ada.user.email, "password": PASSWORD, "otp": ada.wrong_code()}
    responses = await asyncio.gather(*(async_client.post(TOKEN, data=form) for _ in range(8)))
    assert sorted(response.status_code for response in responses) == [401] * 5 + [429] * 3


def test_enrolment(client: TestClient, session: Session) -> None:
    user = UserFactory.create()
    here, there = bearer(sign_in(client, user)), bearer(sign_in(client, user))
    offer = prove(client, "POST", URL, here)
    assert offer.status_code == 201
    assert offer.headers["Cache-Control"] == "no-store"
    assert offer.json()["secret"] in offer.json()["otpauth_uri"]
    assert sign_in(client, user).status_code == 200, "an offer asks for nothing"
    body = {"code": code_of(offer.json())}
    confirmed = client.post(f"{URL}/confirm", headers=here, json=body)
    assert confirmed.status_code == 200
    assert len(confirmed.json()["recovery_codes"]) == 10
    assert confirmed.headers["Cache-Control"] == "no-store"
    shown = client.get(URL, headers=here).json()
    assert shown == {"is_active": True, "recovery_codes_left": 10}
    assert client.get(URL, headers=there).status_code == 401, "other sessions have ended"
    assert sign_in(client, user).json()["code"] == "two_factor_required"


def test_enrolment_needs_the_password(client: TestClient) -> None:
    headers = bearer(sign_in(client, UserFactory.create()))
    response = prove(client, "POST", URL, headers, password="canary-password")
    assert (response.status_code, response.json()["code"]) == (403, "wrong_password")
    assert "canary" not in response.text
    response = client.post(f"{URL}/confirm", headers=headers, json={"code": "123456"})
    assert (response.status_code, response.json()["code"]) == (409, "two_factor_not_offered")


def test_wrong_first_code(client: TestClient) -> None:
    headers = bearer(sign_in(client, UserFactory.create()))
    prove(client, "POST", URL, headers)
    response = client.post(f"{URL}/confirm", headers=headers, json={"code": "x"})
    assert (response.status_code, response.json()["code"]) == (403, "wrong_code")
    assert not client.get(URL, headers=headers).json()["is_active"]


def test_five_wrong_first_codes_withdraw_the_offer(client: TestClient) -> None:
    headers = bearer(sign_in(client, UserFactory.create()))
    offer = prove(client, "POST", URL, headers).json()
    answers = [client.post(f"{URL}/confirm", headers=headers, json={"code": "x"}) for _ in range(5)]
    assert {answer.json()["code"] for answer in answers} == {"wrong_code"}
    response = client.post(f"{URL}/confirm", headers=headers, json={"code": code_of(offer)})
    assert (response.status_code, response.json()["code"]) == (409, "two_factor_not_offered")


def test_second_enrolment(client: TestClient, ada: Enrolled) -> None:
    headers = bearer(sign_in(client, ada.user, ada.code()))
    response = prove(client, "POST", URL, headers)
    assert (response.status_code, response.json()["code"]) == (409, "two_factor_active")


def test_removal_needs_password_and_code(client: TestClient, ada: Enrolled) -> None:
    headers = bearer(sign_in(client, ada.user, ada.code()))
    for body, code in (
        ({"password": "wrong", "code": ada.code(1)}, "wrong_password"),
        ({"code": ada.wrong_code()}, "wrong_code"),
    ):
        response = prove(client, "DELETE", URL, headers, **body)
        assert (response.status_code, response.json()["code"]) == (403, code)
    assert prove(client, "DELETE", URL, headers).status_code == 422
    assert prove(client, "DELETE", URL, headers, code=ada.code(1)).status_code == 204
    assert client.get(URL, headers=headers).json() == {"is_active": False, "recovery_codes_left": 0}
    assert sign_in(client, ada.user).status_code == 200


def test_wrong_codes_count_there_as_well(client: TestClient, ada: Enrolled) -> None:
    headers = bearer(sign_in(client, ada.user, ada.code()))
    statuses = [
        prove(client, "DELETE", URL, headers, code=ada.wrong_code()).status_code for _ in range(6)
    ]
    assert statuses == [403] * 5 + [429]


def test_renewed_recovery_codes(client: TestClient, ada: Enrolled) -> None:
    headers = bearer(sign_in(client, ada.user, ada.code()))
    path = f"{URL}/recovery-codes"
    response = prove(client, "POST", path, headers, code=ada.recovery_codes[0])
    assert response.status_code == 200
    assert sign_in(client, ada.user, ada.recovery_codes[1]).status_code == 401
    assert sign_in(client, ada.user, response.json()["recovery_codes"][0]).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/recovery-codes")])
def test_nothing_to_change(client: TestClient, method: str, path: str) -> None:
    headers = bearer(sign_in(client, UserFactory.create()))
    response = prove(client, method, URL + path, headers, code="123456")
    assert (response.status_code, response.json()["code"]) == (409, "two_factor_inactive")


def test_changes_are_logged_and_secrets_are_not(client: TestClient) -> None:
    written = StringIO()
    sink = logger.add(written, level=0, format="{message} {extra}", diagnose=False)
    user = UserFactory.create()
    headers = bearer(sign_in(client, user))
    offer = prove(client, "POST", URL, headers).json()
    codes = client.post(f"{URL}/confirm", headers=headers, json={"code": code_of(offer)}).json()
    used = codes["recovery_codes"][0]
    prove(client, "DELETE", URL, headers, code=used)
    logger.remove(sink)
    log = written.getvalue()
    for event in ("two_factor_on", "recovery_code_used", "two_factor_off"):
        assert f"'event': '{event}', 'user_id': {user.id}" in log
    assert offer["secret"] not in log
    assert used not in log


# Where staff needs one


@pytest.fixture
def strict(
    settings: Settings, database: TestDatabase, session: Session, monkeypatch: pytest.MonkeyPatch
) -> TestClient:
    monkeypatch.setenv("USERS_TWO_FACTOR_REQUIRED_FOR_STAFF", "true")
    app = create_application(settings, database=database, env_file=None)
    return TestClient(app, follow_redirects=False)


@pytest.mark.parametrize("traits", [{"staff": True}, {"superuser": True}])
@pytest.mark.parametrize("path", ["/api/v1/users/", "/api/v2/users/", "/api/v1/users/{other}"])
def test_rights_are_withheld(
    strict: TestClient, headers_for: Callable[[User], Headers], traits: Any, path: str
) -> None:
    headers = headers_for(UserFactory.create(**traits))
    response = strict.get(path.format(other=UserFactory.create().id), headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "two_factor_required")
    assert strict.get("/api/v1/users/me", headers=headers).status_code == 200


def test_rights_are_there_with_a_factor(strict: TestClient, session: Session) -> None:
    ada = enrolled(session, vault_of(strict.app.state.runtime), staff=True)  # type: ignore[attr-defined]
    headers = bearer(sign_in(strict, ada.user, ada.code()))
    assert strict.get("/api/v1/users/", headers=headers).status_code == 200


def test_ordinary_accounts_need_none(
    strict: TestClient, headers_for: Callable[[User], Headers]
) -> None:
    response = strict.get("/api/v1/users/", headers=headers_for(UserFactory.create()))
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")

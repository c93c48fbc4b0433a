"""Between the password and the admin."""

import re
from base64 import b32decode
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from apps.users import proofs, totp
from apps.users.models import AuthSession, User
from apps.users.second_step import vault_of
from project.application import create_application
from project.runtime import Runtime
from project.settings import Settings
from tests.apps.users.enrolment import Enrolled, enrolled
from tests.database import TestDatabase
from tests.factories.users import PASSWORD, UserFactory
from tests.project.admin.support import SAME_ORIGIN, sign_in

CODE, ENROL = "/admin/login/code", "/admin/login/enrol"
PROOF = "lintel_admin_proof"


@pytest.fixture
def ada(session: Session, runtime: Runtime) -> Enrolled:
    return enrolled(session, vault_of(runtime), superuser=True)


def send(client: TestClient, code: str, path: str = CODE, target: str = "") -> Response:
    return client.post(path, data={"code": code, "next": target}, headers=SAME_ORIGIN)


@pytest.mark.parametrize("path", [CODE, ENROL, "/admin/two-factor"])
def test_anonymous(client: TestClient, path: str) -> None:
    for response in (client.get(path), send(client, "123456", path)):
        assert response.status_code == 303
        assert response.headers["location"].startswith("/admin/login")


BROKEN = "+2AA-"
"""Half of a surrogate pair, as UTF-7 writes it."""


def post_in_utf_7(client: TestClient, path: str, **fields: str) -> int:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    kind = "multipart/form-data; boundary=x; charset=utf-7"
    headers = {**SAME_ORIGIN, "Content-Type": kind}
    return client.post(path, content="".join([*parts, "--x--\r\n"]), headers=headers).status_code


def test_broken_text_is_a_wrong_value(client: TestClient, ada: Enrolled) -> None:
    login, target = "/admin/login", f"/admin/{BROKEN}"
    assert post_in_utf_7(client, login, username=BROKEN, password=PASSWORD) == 401
    assert (
        post_in_utf_7(client, login, username=ada.user.email, password=BROKEN, next=target) == 401
    )
    sign_in(client, ada.user)
    assert post_in_utf_7(client, CODE, code=BROKEN, next=target) == 401


def test_broken_text_while_setting_up(client: TestClient) -> None:
    sign_in(client, UserFactory.create(superuser=True))
    assert post_in_utf_7(client, "/admin/two-factor", password=BROKEN) == 403
    client.post("/admin/two-factor", data={"password": PASSWORD}, headers=SAME_ORIGIN)
    assert post_in_utf_7(client, ENROL, code=BROKEN) == 403


def test_no_files_in_the_sign_in_form(client: TestClient) -> None:
    response = client.post("/admin/login", files={"username": b"x"}, headers=SAME_ORIGIN)
    assert response.status_code == 400


def test_password_alone_opens_nothing(client: TestClient, ada: Enrolled, session: Session) -> None:
    response = sign_in(client, ada.user, next="/admin/users-user/list")
    assert response.status_code == 303
    assert response.headers["location"] == f"{CODE}?next=%2Fadmin%2Fusers-user%2Flist"
    assert list(client.cookies) == [PROOF]
    assert client.get("/admin/").status_code == 303
    assert session.scalars(select(AuthSession)).all() == []
    assert 'autocomplete="one-time-code"' in client.get(response.headers["location"]).text


def test_code_opens_the_admin(client: TestClient, ada: Enrolled) -> None:
    sign_in(client, ada.user)
    response = send(client, ada.code(), target="/admin/users-user/list")
    assert (response.status_code, response.headers["location"]) == (303, "/admin/users-user/list")
    assert list(client.cookies) == ["lintel_admin"]
    assert client.get("/admin/users-user/list").status_code == 200


def test_recovery_code_opens_the_admin(client: TestClient, ada: Enrolled) -> None:
    sign_in(client, ada.user)
    send(client, ada.recovery_codes[0])
    assert client.get("/admin/").status_code == 200


def test_same_code_in_a_second_browser(client: TestClient, ada: Enrolled) -> None:
    code = ada.code()
    sign_in(client, ada.user)
    send(client, code)
    client.cookies.clear()
    sign_in(client, ada.user)
    assert send(client, code).status_code == 401
    assert client.get("/admin/").status_code == 303


def test_wrong_codes_lock(client: TestClient, ada: Enrolled) -> None:
    sign_in(client, ada.user)
    refused = [send(client, ada.wrong_code(), target="/admin/users-user/list") for _ in range(5)]
    assert {response.status_code for response in refused} == {401}
    assert 'value="/admin/users-user/list"' in refused[0].text
    locked = send(client, ada.code())
    assert locked.status_code == 429
    assert "Retry-After" in locked.headers
    assert "Too many wrong codes" in locked.text


def test_other_targets_lead_to_the_overview(client: TestClient, ada: Enrolled) -> None:
    sign_in(client, ada.user)
    assert "evil" not in client.get(f"{CODE}?next=//evil.example").text
    assert send(client, ada.code(), target="//evil.example").headers["location"] == "/admin/"


def test_cross_site_code(client: TestClient, ada: Enrolled) -> None:
    sign_in(client, ada.user)
    form = {"code": ada.code()}
    response = client.post(CODE, data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403


@pytest.mark.parametrize(
    "proof", ["", "x", "1.2.3", "..", "9" * 30 + ".1.x", "1.99999999999.0", "é", "x" * 1000]
)
def test_forged_proof(client: TestClient, ada: Enrolled, proof: str) -> None:
    client.cookies.set(PROOF, proof.encode("ascii", "replace").decode())
    assert send(client, ada.code()).headers["location"].startswith("/admin/login?")


@pytest.mark.parametrize(
    "change",
    [
        {"password_hash": "another"},
        {"is_active": False},
        {"is_superuser": False, "is_staff": False},
    ],
)
def test_proof_ends(
    client: TestClient, ada: Enrolled, session: Session, change: dict[str, object]
) -> None:
    sign_in(client, ada.user)
    session.execute(update(User).values(change))
    session.commit()
    assert send(client, ada.code()).headers["location"].startswith("/admin/login?")


def test_proof_is_of_one_account_and_one_key(session: Session) -> None:
    keys = ["a" * 40, "b" * 40]
    ada: User = UserFactory.create()
    bob: User = UserFactory.create()
    proof = proofs.issue_proof(ada, keys[1:])
    assert proofs.find_proven(session, proof, keys) is ada
    assert proofs.find_proven(session, proof, keys[:1]) is None
    of_bob = f"{bob.id}.{proof.partition('.')[2]}"
    assert proofs.find_proven(session, of_bob, keys) is None


def test_proof_is_over_after_five_minutes(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = UserFactory.create()
    proof = proofs.issue_proof(ada, ["a" * 40])
    end = int(proof.split(".")[1])
    monkeypatch.setattr("time.time", lambda: float(end))
    assert proofs.find_proven(session, proof, ["a" * 40]) is None
    monkeypatch.setattr("time.time", lambda: end - 1.0)
    assert proofs.find_proven(session, proof, ["a" * 40]) is ada


# Setting one up without having to


def test_set_up(client: TestClient, session: Session) -> None:
    user = UserFactory.create(superuser=True)
    sign_in(client, user)
    form = {"password": PASSWORD}
    response = client.post("/admin/two-factor", data=form, headers=SAME_ORIGIN)
    assert response.headers["location"].startswith(ENROL)
    secret = secret_on(client.get(ENROL))
    assert send(client, totp.code_at(secret, totp.current_step()), ENROL).status_code == 200
    page = client.get("/admin/two-factor")
    assert "takes a code" in page.text
    assert "<input" not in page.text.partition("<main")[2]


def test_set_up_needs_the_password(client: TestClient) -> None:
    sign_in(client)
    assert client.get("/admin/two-factor").status_code == 200
    form = {"password": "wrong password"}
    response = client.post("/admin/two-factor", data=form, headers=SAME_ORIGIN)
    assert response.status_code == 403
    assert PROOF not in client.cookies


def test_set_up_twice(client: TestClient, ada: Enrolled) -> None:
    sign_in(client, ada.user)
    send(client, ada.code())
    form = {"password": PASSWORD}
    response = client.post("/admin/two-factor", data=form, headers=SAME_ORIGIN)
    assert response.status_code == 200
    assert PROOF not in client.cookies


# Where staff needs one


@pytest.fixture
def strict(
    settings: Settings, database: TestDatabase, session: Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setenv("USERS_TWO_FACTOR_REQUIRED_FOR_STAFF", "true")
    app = create_application(settings, database=database, env_file=None)
    with TestClient(app, follow_redirects=False) as client:
        yield client


def secret_on(page: Response) -> bytes:
    found = re.search(r'class="secret"><code>([A-Z2-7 ]+)</code>', page.text)
    assert found is not None
    return b32decode(found[1].replace(" ", ""))


def test_enrolment(strict: TestClient, session: Session) -> None:
    user = UserFactory.create(superuser=True)
    response = sign_in(strict, user)
    assert response.headers["location"].startswith(ENROL)
    assert strict.get("/admin/").status_code == 303
    page = strict.get(ENROL)
    assert "<svg" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    secret = secret_on(page)
    done = send(strict, totp.code_at(secret, totp.current_step()), ENROL)
    assert len(re.findall(r"<li><code>[a-z2-7-]{29}</code>", done.text)) == 10
    assert strict.get("/admin/").status_code == 200
    session.refresh(user)
    assert user.has_two_factor


def test_wrong_first_code(strict: TestClient, session: Session) -> None:
    user = UserFactory.create(superuser=True)
    sign_in(strict, user)
    secret = secret_on(strict.get(ENROL))
    response = send(strict, "x", ENROL)
    assert response.status_code == 403
    assert secret_on(response) == secret
    assert strict.get("/admin/").status_code == 303
    session.refresh(user)
    assert not user.has_two_factor


def test_five_wrong_first_codes_withdraw_the_offer(strict: TestClient, session: Session) -> None:
    sign_in(strict, UserFactory.create(superuser=True))
    secret = secret_on(strict.get(ENROL))
    assert [send(strict, "x", ENROL).status_code for _ in range(5)] == [403] * 5
    response = send(strict, totp.code_at(secret, totp.current_step()), ENROL)
    assert response.headers["location"].startswith("/admin/login?")


def test_enrolled_staff_is_asked_for_the_code(strict: TestClient, session: Session) -> None:
    ada = enrolled(session, vault_of(strict.app.state.runtime), superuser=True)  # type: ignore[attr-defined]
    assert sign_in(strict, ada.user).headers["location"].startswith(CODE)
    assert strict.get(ENROL).status_code == 303, "an active secret is never shown"


def test_session_from_before_the_duty(client: TestClient, strict: TestClient) -> None:
    sign_in(client)
    assert client.get("/admin/").status_code == 200
    strict.cookies.update(client.cookies)
    assert strict.get("/admin/").status_code == 303


def test_wrong_password_comes_nowhere(strict: TestClient) -> None:
    user = UserFactory.create(superuser=True)
    form = {"username": user.email, "password": f"{PASSWORD}!"}
    response = strict.post("/admin/login", data=form, headers=SAME_ORIGIN)
    assert response.status_code == 401
    assert PROOF not in strict.cookies

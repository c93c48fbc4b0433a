"""Passwords and addresses by mail, through the API."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient, Response
from loguru import logger
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from starlette.types import Message as Event
from starlette.types import Receive, Scope, Send

from apps.users.models import AuthSession, MailToken, User
from apps.users.services import ensure_superuser
from apps.users.settings import UsersSettings
from project.app_settings import SettingsOfApps
from project.mail.message import Message
from project.runtime import Runtime
from tests.factories.users import PASSWORD, ApiKeyFactory, UserFactory

Mails = Callable[[], list[Message]]
Headers = Callable[[User], dict[str, str]]

AUTH = "/api/v1/auth"
USERS = "/api/v1/users/"
ME = "/api/v1/users/me"
NEW_PASSWORD = "another battery staple"
LINK = re.compile(
    r"^http://127\.0\.0\.1:8000/account/(reset|verify|email)/([\w-]{43})$", re.MULTILINE
)


def token_in(mail: Message) -> str:
    """The token of the link in a mail: text and HTML have the same one."""
    found = LINK.search(mail.text)
    assert found is not None
    assert mail.html is not None
    assert found[0] in mail.html
    return found[2]


def sign_in(client: TestClient, email: str, password: str = PASSWORD) -> Response:
    return client.post(f"{AUTH}/token", data={"username": email, "password": password})


def post(client: TestClient, path: str, headers: dict[str, str] | None = None, **body: str) -> int:
    return client.post(f"{AUTH}/{path}", json=body, headers=headers).status_code


def bearer(pair: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access_token']}"}


def skip_pause(session: Session) -> None:
    session.execute(update(MailToken).values(created_at=func.now() - timedelta(hours=1)))
    session.commit()


@pytest.mark.parametrize("path", ["password", "email"])
def test_anonymous(client: TestClient, path: str) -> None:
    response = client.post(f"{AUTH}/{path}", json={})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


# Changing the password


def test_change_ends_other_sessions(client: TestClient, sent_mails: Mails) -> None:
    user = UserFactory()
    one, other = (sign_in(client, user.email).json() for _ in range(2))
    body = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    assert post(client, "password", bearer(one), **body) == 204
    assert client.get(ME, headers=bearer(one)).status_code == 200
    assert client.get(ME, headers=bearer(other)).status_code == 401
    assert post(client, "refresh", refresh_token=other["refresh_token"]) == 401
    assert post(client, "refresh", refresh_token=one["refresh_token"]) == 200
    assert sign_in(client, user.email).status_code == 401
    assert sign_in(client, user.email, NEW_PASSWORD).status_code == 200
    assert [(mail.to, "changed" in mail.subject) for mail in sent_mails()] == [
        ((user.email,), True)
    ]


@pytest.mark.parametrize(
    ("passwords", "refusal"),
    [
        (("wrong", NEW_PASSWORD), (403, "wrong_password")),
        ((PASSWORD, "iloveyou"), (422, "password_too_common")),
        ((PASSWORD, "hedy.lamarr"), (422, "password_too_similar")),
        ((PASSWORD, "short"), (422, "invalid")),
        ((PASSWORD, PASSWORD), (422, "password_unchanged")),
        (("wrong", "wrong one"), (403, "wrong_password")),
    ],
)
def test_change_refused(
    client: TestClient,
    headers_for: Headers,
    sent_mails: Mails,
    passwords: tuple[str, str],
    refusal: tuple[int, str],
) -> None:
    user = UserFactory(email="hedy.lamarr@example.com")
    body = dict(zip(("current_password", "password"), passwords, strict=True))
    response = client.post(f"{AUTH}/password", json=body, headers=headers_for(user))
    assert (response.status_code, response.json()["code"]) == refusal
    assert sign_in(client, user.email).status_code == 200
    assert sent_mails() == []


def test_the_same_password_again_is_blamed_on_its_field(
    client: TestClient, headers_for: Headers
) -> None:
    body = {"current_password": PASSWORD, "password": PASSWORD}
    answer = client.post(f"{AUTH}/password", json=body, headers=headers_for(UserFactory()))
    assert [error["loc"] for error in answer.json()["errors"]] == [["body", "password"]]
    assert PASSWORD not in answer.text


# Resetting it


def test_reset(client: TestClient, session: Session, sent_mails: Mails) -> None:
    user = UserFactory()
    before = sign_in(client, user.email).json()
    assert post(client, "password-reset", email=user.email.upper()) == 202
    token = token_in(sent_mails()[0])
    assert post(client, "password-reset/confirm", token=token, password=NEW_PASSWORD) == 204
    assert client.get(ME, headers=bearer(before)).status_code == 401
    assert post(client, "refresh", refresh_token=before["refresh_token"]) == 401
    assert sign_in(client, user.email).status_code == 401
    assert sign_in(client, user.email, NEW_PASSWORD).status_code == 200
    session.refresh(user)
    assert user.is_verified
    assert [mail.to for mail in sent_mails()] == [(user.email,)] * 2
    assert post(client, "password-reset/confirm", token=token, password=PASSWORD) == 422


def test_weak_password_leaves_the_link_as_it_was(client: TestClient, sent_mails: Mails) -> None:
    user = UserFactory()
    post(client, "password-reset", email=user.email)
    token = token_in(sent_mails()[0])
    for weak in ("iloveyou", "short", user.email):
        assert post(client, "password-reset/confirm", token=token, password=weak) == 422
    assert post(client, "password-reset/confirm", token=token, password=NEW_PASSWORD) == 204


@pytest.mark.parametrize("path", ["password-reset", "verify-email/resend"])
def test_nobody_learns_who_has_an_account(client: TestClient, sent_mails: Mails, path: str) -> None:
    """The same answer for all, and it has left before anybody is looked for."""
    UserFactory(email="gone@example.com", disabled=True)
    UserFactory(email="nobody@example.com", password_hash=None, verified_email="nobody@example.com")
    known = UserFactory(email="known@example.com")
    answers = []
    for name in ("known", "gone", "nobody", "unknown"):
        response = client.post(f"{AUTH}/{path}", json={"email": f"{name}@example.com"})
        headers = {k: v for k, v in response.headers.items() if k != "x-request-id"}
        answers.append((response.status_code, response.content, headers))
    assert answers == [answers[0]] * 4
    assert answers[0][0] == 202
    assert [mail.to for mail in sent_mails()] == [(known.email,)]


@pytest.mark.anyio
async def test_answer_leaves_before_the_look_up(
    application: FastAPI, async_client: AsyncClient, statements: list[str]
) -> None:
    """So its time tells nothing, neither that of a look-up nor that of a commit."""
    at_end: list[int] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Event) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                at_end.append(len(statements))
            await send(message)

        await application(scope, receive, note)

    email = UserFactory().email
    statements.clear()
    async with AsyncClient(
        transport=ASGITransport(watched), base_url="http://testserver"
    ) as client:
        await client.post(f"{AUTH}/password-reset", json={"email": email})
    assert at_end == [0]
    assert any("users_mail_token" in statement for statement in statements)


def test_many_requests_are_one_mail(
    client: TestClient, session: Session, sent_mails: Mails
) -> None:
    user = UserFactory()
    for _ in range(3):
        post(client, "password-reset", email=user.email)
    first = token_in(*sent_mails())
    skip_pause(session)
    post(client, "password-reset", email=user.email)
    second = token_in(sent_mails()[1])
    assert post(client, "password-reset/confirm", token=first, password=NEW_PASSWORD) == 422
    assert post(client, "password-reset/confirm", token=second, password=NEW_PASSWORD) == 204


@pytest.mark.parametrize(
    "email",
    [
        "a@example.com\nBcc: eve@example.com",
        "a@example.com\r\n\r\nhello",
        "a@example.com,eve@example.com",
        "Eve <eve@example.com>",
        "a@example.com\u2028x",
        "a@example.com\x00",
        "",
    ],
)
def test_hostile_address(client: TestClient, sent_mails: Mails, email: str) -> None:
    for path in ("password-reset", "verify-email/resend"):
        assert post(client, path, email=email) == 422
    assert client.post(USERS, json={"email": email, "password": PASSWORD}).status_code == 422
    assert sent_mails() == []


def test_links_do_not_believe_the_host_header(client: TestClient, sent_mails: Mails) -> None:
    user = UserFactory()
    client.post(
        f"{AUTH}/password-reset",
        json={"email": user.email},
        headers={"Host": "localhost", "X-Forwarded-Host": "evil.example", "Origin": "https://evil"},
    )
    mail = sent_mails()[0]
    assert token_in(mail)
    assert "evil" not in mail.text
    assert "//localhost" not in mail.text


@pytest.mark.committed
@pytest.mark.anyio
async def test_two_confirmations_at_once(
    async_client: AsyncClient, session: Session, sent_mails: Mails
) -> None:
    user = UserFactory()
    await async_client.post(f"{AUTH}/password-reset", json={"email": user.email})
    token = token_in(sent_mails()[0])
    bodies = [{"token": token, "password": f"battery staple {n}"} for n in range(6)]
    url = f"{AUTH}/password-reset/confirm"
    sent = (async_client.post(url, json=body) for body in bodies)
    statuses = [response.status_code for response in await asyncio.gather(*sent)]
    assert sorted(statuses) == [204] + [422] * 5
    winner = bodies[statuses.index(204)]["password"]
    form = {"username": user.email, "password": winner}
    assert (await async_client.post(f"{AUTH}/token", data=form)).status_code == 200


@pytest.mark.parametrize("way", ["reset", "change"])
def test_another_password_ends_api_keys(
    client: TestClient, session: Session, headers_for: Headers, sent_mails: Mails, way: str
) -> None:
    """Whoever opened an account with somebody else's address keeps no way in."""
    user, other = UserFactory(), UserFactory()
    keys = [bearer({"access_token": ApiKeyFactory.token_for(who)}) for who in (user, other)]
    assert [client.get(ME, headers=key).status_code for key in keys] == [200, 200]
    if way == "reset":
        post(client, "password-reset", email=user.email)
        token = token_in(sent_mails()[0])
        assert post(client, "password-reset/confirm", token=token, password=NEW_PASSWORD) == 204
    else:
        body = {"current_password": PASSWORD, "password": NEW_PASSWORD}
        assert post(client, "password", headers_for(user), **body) == 204
    assert [client.get(ME, headers=key).status_code for key in keys] == [401, 200]


# Verifying the address


def test_registration_mails_a_link(client: TestClient, session: Session, sent_mails: Mails) -> None:
    body = {"email": "jürgen@example.com", "password": PASSWORD, "full_name": "Jürgen"}
    assert client.post(USERS, json=body).status_code == 201
    assert sign_in(client, "jürgen@example.com").status_code == 200
    token = token_in(*sent_mails())
    user = session.scalars(select(User)).one()
    assert user.verified_email is None
    assert post(client, "verify-email", token=token) == 204
    session.refresh(user)
    assert user.is_verified
    assert post(client, "verify-email", token=token) == 422


def test_refused_registration_mails_nothing(client: TestClient, sent_mails: Mails) -> None:
    user = UserFactory()
    body = {"email": user.email, "password": PASSWORD}
    assert client.post(USERS, json=body).status_code == 409
    assert sent_mails() == []


def test_verified_address_gets_no_link(client: TestClient, sent_mails: Mails) -> None:
    user = UserFactory(email="known@example.com", verified_email="known@example.com")
    assert post(client, "verify-email/resend", email=user.email) == 202
    assert sent_mails() == []


@pytest.fixture
def strict(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let accounts work only once their address is confirmed."""
    demanding = UsersSettings(require_verified_email=True)
    changed = SettingsOfApps({**runtime.app_settings.by_label, "users": demanding})
    monkeypatch.setitem(runtime.__dict__, "app_settings", changed)


def confirm(session: Session, user: User) -> None:
    user.verified_email = user.email
    session.commit()


@pytest.mark.usefixtures("strict")
def test_sign_in_where_addresses_are_verified(client: TestClient, session: Session) -> None:
    """Who does not know the password does not learn that the address is unconfirmed."""
    user = UserFactory()
    assert sign_in(client, user.email, "wrong password").status_code == 401
    response = sign_in(client, user.email)
    assert (response.status_code, response.json()["code"]) == (403, "email_not_verified")
    confirm(session, user)
    assert sign_in(client, user.email).status_code == 200


def test_refresh_where_addresses_are_verified(
    client: TestClient, session: Session, request: pytest.FixtureRequest
) -> None:
    """The refusal uses nothing up: once the address is confirmed, the same token works."""
    user = UserFactory()
    token = sign_in(client, user.email).json()["refresh_token"]
    request.getfixturevalue("strict")
    response = client.post(f"{AUTH}/refresh", json={"refresh_token": token})
    assert (response.status_code, response.json()["code"]) == (403, "email_not_verified")
    confirm(session, user)
    assert post(client, "refresh", refresh_token=token) == 200


@pytest.mark.usefixtures("strict")
def test_api_key_where_addresses_are_verified(client: TestClient, session: Session) -> None:
    user = UserFactory()
    headers = {"Authorization": f"Bearer {ApiKeyFactory.token_for(user)}"}
    response = client.get(ME, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "email_not_verified")
    confirm(session, user)
    assert client.get(ME, headers=headers).status_code == 200


@pytest.mark.usefixtures("strict")
def test_admin_where_addresses_are_verified(client: TestClient, session: Session) -> None:
    user = UserFactory(superuser=True)
    form = {"username": user.email, "password": PASSWORD}
    assert client.post("/admin/login", data={**form, "password": "wrong"}).status_code == 401
    refused = client.post("/admin/login", data=form)
    assert refused.status_code == 403
    assert "Confirm your address first" in refused.text
    assert "Set-Cookie" not in refused.headers
    confirm(session, user)
    assert client.post("/admin/login", data=form).status_code == 303


@pytest.mark.usefixtures("strict")
def test_superuser_of_the_command_line_counts_as_verified(
    client: TestClient, session: Session
) -> None:
    ensure_superuser(session, email="root@example.com", password=PASSWORD)
    session.commit()
    form = {"username": "root@example.com", "password": PASSWORD}
    assert client.post("/admin/login", data=form).status_code == 303
    assert sign_in(client, form["username"]).status_code == 200


# Moving to another address


def ask_for_address(
    client: TestClient, headers: dict[str, str], email: str, password: str = PASSWORD
) -> int:
    return post(client, "email", headers, email=email, current_password=password)


def test_change_of_address(
    client: TestClient, session: Session, headers_for: Headers, sent_mails: Mails
) -> None:
    user = UserFactory(email="old@example.com")
    headers = headers_for(user)
    assert ask_for_address(client, headers, "New@Example.com") == 202
    notice, mail = sent_mails()
    assert (notice.to, mail.to) == (("old@example.com",), ("new@example.com",))
    assert "/account/reset\n" in notice.text
    assert LINK.search(notice.text) is None
    assert post(client, "email/confirm", token=token_in(mail)) == 204
    session.refresh(user)
    assert (user.email, user.is_verified) == ("new@example.com", True)
    assert sent_mails()[2].to == ("old@example.com",)
    assert post(client, "email/confirm", token=token_in(mail)) == 422


def test_change_of_address_ends_sessions(
    client: TestClient, headers_for: Headers, sent_mails: Mails
) -> None:
    headers = headers_for(UserFactory())
    ask_for_address(client, headers, "new@example.com")
    assert client.get(ME, headers=headers).status_code == 200
    assert post(client, "email/confirm", token=token_in(sent_mails()[1])) == 204
    assert client.get(ME, headers=headers).status_code == 401


def test_changes_are_told_to_the_log_of_security(
    client: TestClient, headers_for: Headers, sent_mails: Mails
) -> None:
    events: list[str] = []
    user = UserFactory()
    headers = headers_for(user)
    sink = logger.add(
        lambda message: events.append(message.record["extra"]["event"]),
        filter=lambda record: record["extra"].get("logger") == "security",
    )
    post(client, "password", headers, current_password=PASSWORD, password=NEW_PASSWORD)
    ask_for_address(client, headers, "new@example.com", NEW_PASSWORD)
    post(client, "email/confirm", token=token_in(sent_mails()[2]))
    post(client, "password-reset", email="new@example.com")
    post(client, "password-reset/confirm", token=token_in(sent_mails()[4]), password=PASSWORD)
    logger.remove(sink)
    assert events == ["password_changed", "email_changed", "password_reset"]


def test_change_of_address_needs_the_password(
    client: TestClient, headers_for: Headers, sent_mails: Mails
) -> None:
    headers = headers_for(UserFactory())
    assert ask_for_address(client, headers, "new@example.com", "wrong") == 403
    assert sent_mails() == []


def test_address_of_another_account(
    client: TestClient, headers_for: Headers, sent_mails: Mails
) -> None:
    """Whoever asks sees no difference; the owner of the address does."""
    other = UserFactory(email="taken@example.com")
    assert ask_for_address(client, headers_for(UserFactory()), other.email) == 202
    mail = sent_mails()[1]
    assert mail.to == (other.email,)
    assert LINK.search(mail.text) is None


def test_address_that_was_taken_meanwhile(
    client: TestClient, session: Session, headers_for: Headers, sent_mails: Mails
) -> None:
    user = UserFactory()
    ask_for_address(client, headers_for(user), "new@example.com")
    token = token_in(sent_mails()[1])
    UserFactory(email="new@example.com")
    response = client.post(f"{AUTH}/email/confirm", json={"token": token})
    assert (response.status_code, response.json()["code"]) == (409, "email_taken")


def test_another_password_stops_the_change(
    client: TestClient, headers_for: Headers, sent_mails: Mails
) -> None:
    user = UserFactory()
    headers = headers_for(user)
    ask_for_address(client, headers, "thief@example.com")
    token = token_in(sent_mails()[1])
    post(client, "password", headers, current_password=PASSWORD, password=NEW_PASSWORD)
    assert post(client, "email/confirm", token=token) == 422


# What the database keeps of a password


def test_weak_hash_is_renewed_at_sign_in(client: TestClient, session: Session) -> None:
    weak = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8_192, parallelism=1),))
    user = UserFactory(password_hash=weak.hash(PASSWORD))
    assert sign_in(client, user.email, "wrong password").status_code == 401
    session.refresh(user)
    assert user.password_hash is not None
    assert "m=8192,t=1" in user.password_hash
    assert sign_in(client, user.email).status_code == 200
    session.refresh(user)
    assert "$m=19456,t=2,p=1$" in user.password_hash
    assert sign_in(client, user.email).status_code == 200
    assert session.scalar(select(func.count()).select_from(AuthSession)) == 2


@pytest.mark.parametrize("email", ["known@example.com", "unknown@example.com"])
def test_every_sign_in_costs_one_hash(client: TestClient, runtime: Runtime, email: str) -> None:
    UserFactory(email="known@example.com")
    completed = runtime.lanes.hash.completed
    sign_in(client, email, "wrong password")
    assert runtime.lanes.hash.completed == completed + 1
